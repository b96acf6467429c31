# Imports Python modules one by one, each in a process of its own: one that hangs, exits or crashes says nothing about
# the next. Arguments: the interpreter, the directory, seconds per module, the Python program, the modules.
set -eu
python=$1
directory=$2
seconds=$3
program=$4
shift 4

if [ ! -x "$python" ]; then
    echo "there is no interpreter at $python" >&2
    exit 78
fi
if [ ! -d "$directory" ]; then
    echo "there is no directory $directory" >&2
    exit 66
fi
cd -- "$directory"
# Looking must not leave byte code behind.
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
for module in "$@"; do
    status=0
    answer=$(timeout -k 2 "$seconds" "$python" -c "$program" "$module" 2>/dev/null) || status=$?
    printf 'module %s\n' "$status"
    printf '%s\n' "$answer"
done
echo end
