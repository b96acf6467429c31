"""Programs for directories and files that a rollout owns: look, copy, install, remove, and import an application."""
