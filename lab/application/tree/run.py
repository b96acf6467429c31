"""What Gunicorn loads: `run:app`."""

from app import create_app

app = create_app()
