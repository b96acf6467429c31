"""Programs that run on hosts, with the Python that a host has: 3.6 or newer, standard library only.

A module that ends with `if __name__ == "__main__"` is a program. `build.rs` joins it with the modules that it imports
into one text, which `src/adapters/ssh` sends to the host: nothing is installed there. One text for each program, so
that a program that only looks contains nothing that changes a host, and because a program is one argument of a command,
which Linux limits to 128 KiB (MAX_ARG_STRLEN, execve(2)). What a module may contain: `build/join.rs`.
"""
