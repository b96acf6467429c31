# Watches a Gunicorn: see host_programs/monitor.py, which is the first argument; the other arguments go to it. With
# python3, else with the interpreter that the master itself runs on: nothing is installed for this.
set -eu
program=$1
shift
python=$(command -v python3) || python=
if [ -z "$python" ]; then
    case $1 in
        unit) pid=$(systemctl show "$2" -p MainPID 2>/dev/null) && pid=${pid#MainPID=} || pid= ;;
        *) pid=$(cat -- "$2" 2>/dev/null) || pid= ;;
    esac
    python=$(readlink "/proc/${pid:-none}/exe") || {
        echo 'there is no python3 on this host' >&2
        exit 69
    }
fi
# Without site-packages (-I -S) it starts in a third of the time; nice, because it must not take from what it measures.
exec nice -n 5 "$python" -I -S -c "$program" "$@"
