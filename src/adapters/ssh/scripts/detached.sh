# Runs a Python program about a Gunicorn of ours. Arguments: the unit of the original (or nothing), the pid file, the
# program, the program's own arguments. The program is also told the unit's main process, 0 when there is none.
#
# With the interpreter the original runs on, or the one ours runs on, or else python3: nothing is installed for this.
set -eu
LC_ALL=C
export LC_ALL
unit=$1
pid_file=$2
program=$3
shift 3

main=0
if [ -n "$unit" ]; then
    properties=$(systemctl show "$unit" -p MainPID)
    main=$(printf '%s\n' "$properties" | sed -n 's/^MainPID=//p')
fi
ours=$(cat -- "$pid_file" 2>/dev/null) || ours=
case $ours in
'' | *[!0-9]*) ours=0 ;;
esac

python=
for process in "${main:-0}" "$ours"; do
    candidate=$(readlink "/proc/$process/exe" 2>/dev/null) || continue
    case ${candidate##*/} in
    python*) if [ -x "$candidate" ]; then
        python=$candidate
        break
    fi ;;
    esac
done
[ -n "$python" ] || python=$(command -v python3) || {
    echo 'there is no python3 on this host, and neither the original nor the copy runs' >&2
    exit 78
}
"$python" -I -c "$program" "${main:-0}" "$@"
echo end
