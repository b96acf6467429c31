_, directory, pid_file = sys.argv[1:]
with alone(pid_file):
    if not end(directory, pid_file):
        fail(TEMPORARY, "processes of the copy do not end, not even by force")
print("stopped")
