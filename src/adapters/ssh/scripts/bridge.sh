# What the session bridge logged last: see host_programs/bridge_log.py, which is the first argument; the second is the
# metrics file.
set -eu
python=$(command -v python3) || {
    echo 'there is no python3 on this host' >&2
    exit 69
}
nice -n 5 "$python" -I -S -c "$1" "$2"
echo end
