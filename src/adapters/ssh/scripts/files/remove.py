"""Deletes exactly one directory that is ours. The mark goes last, so that what a crash leaves is still ours."""


def remove(request):
    path = name_of(request["to"])
    state, why, root, marks = whose(path, request["rollout"])
    if state == "foreign":
        raise Refusal(FOREIGN, why)
    if state == "missing":
        return None
    State.written = True
    os.fchmod(root, 0o700)
    if marks is not None:
        lock(marks, path)
        erase(marks, COMPLETE)
        for name in os.listdir(root):
            if name != MARKS:
                erase(root, name)
        for name in os.listdir(marks):
            if name != OWNER:
                erase(marks, name)
        erase(marks, OWNER)
        os.rmdir(MARKS, dir_fd=root)
    os.rmdir(path)
    return None


perform(remove)
