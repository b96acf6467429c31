"""Programs for a Gunicorn that a rollout starts beside the original service: facts, start, stop."""
