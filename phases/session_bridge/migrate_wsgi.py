"""The WSGI entry: the original application with its sessions bridged. For `gunicorn migrate_wsgi:app`.

MIGRATE_WSGI_APP names the original, as on its own command line: `run:app`.
"""

from migrate_sessions import activate

app = application = activate()
