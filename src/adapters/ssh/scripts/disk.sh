# Blocks an ordinary user may still write, and the size of one, on the file system that holds (or would hold) $1.
set -eu
directory=$1
while [ ! -e "$directory" ]; do
    directory=${directory%/*}
    [ -n "$directory" ] || directory=/
done
stat -f -c '%a %S' -- "$directory"
echo end
