"""Programs for the releases of one application: look, make room, build, switch."""
