"""A program of its own: counts the sessions an application has in files, and what they would be in Redis.

    python -B -m migrate_sessions.census --application DIR

It prints one JSON object, on one line (`report` has the fields), and no value of any session. It reads session files
and nothing else, writes nothing (`-B` keeps Python itself from writing byte code), and may run beside the application.

- `directories` finds the directories that hold session files, and the files.
- `restricted` unpickles without importing anything of the application: what it would import is replaced by a stand-in
  that knows its name. Only files are unpickled that `trusted_file` lets through, so it must run as the application's
  user.
- `contents` looks at what was unpickled; `report` counts, within limits.

Limits: of many sessions, a sample is unpickled, and no more than a minute is spent on that. Then the report has one
field more, `examined`. The program may not take more than 4 GiB of memory.
"""
