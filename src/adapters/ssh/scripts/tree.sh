# Everything in a tree ($1), less what is volatile (the other arguments, as patterns of `find -name`). Needs GNU find.
# Three parts, each ended by an empty record: entries (type, mode, path NUL link target NUL), SHA-256 sums of the
# files, and the sizes of all files. No pipeline: a failing command would be lost in it.
set -eu
LC_ALL=C
export LC_ALL
if [ ! -d "$1" ]; then
    echo "there is no directory $1" >&2
    exit 66
fi
cd -- "$1"
shift

# Turns `a b` into `-o -name a -o -name b`.
count=$#
while [ "$count" -gt 0 ]; do
    set -- "$@" -o -name "$1"
    shift
    count=$((count - 1))
done

# The root itself is never volatile, whatever it is called.
find . ! -path . \( -false "$@" \) -prune -o -printf '%y %m %P\0%l\0'
printf '\0'
find . ! -path . \( -false "$@" \) -prune -o -type f -exec sha256sum -- {} +
printf '\n'
# What is volatile comes and goes meanwhile.
find . -ignore_readdir_race -type f -printf '%s\n'
printf '\nend\n'
