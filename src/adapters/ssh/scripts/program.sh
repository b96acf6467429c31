# Runs $program, in Python, on $request, in JSON; both are set by lines before these. The request goes in by a pipe from
# a built-in of the shell, and never stands on a command line or in a file: there may be a secret in it.
# The system's own Python first: another one on the PATH may be a wrapper that starts slowly or picks a version by directory.
set -eu
found=
for python in /usr/bin/python3 python3 /usr/libexec/platform-python python; do
    if "$python" -I -c 'import sys; sys.exit(sys.version_info < (3, 6))' >/dev/null 2>&1; then
        found=$python
        break
    fi
done
if [ -z "$found" ]; then
    echo 'there is no Python 3.6 or newer: install python3' >&2
    echo clean
    exit 69
fi
printf %s "$request" | "$found" -I -B -c "$program"
