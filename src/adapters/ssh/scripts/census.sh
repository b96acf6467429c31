# Counts the sessions of an application's files, with the interpreter that runs it. Arguments: the unit, the directory
# that holds the bridge, the application's directory, seconds.
set -eu
unit=$1
bridge=$2
application=$3
seconds=$4

pid=$(systemctl show "$unit" -p MainPID | sed -n 's/^MainPID=//p')
if [ -z "$pid" ] || [ "$pid" = 0 ]; then
    echo "$unit is not running, so nothing says which interpreter runs it" >&2
    exit 69
fi
# The first word of its command line, as it was started: /proc/PID/exe is the system's interpreter behind the virtual
# environment's link, without the environment's packages.
python=$(tr '\0' '\n' <"/proc/$pid/cmdline" | sed -n 1p)
case "$python" in
/*) ;;
*/*) python=$(readlink "/proc/$pid/cwd")/$python ;;
*)
    # A bare name was found in the process's own PATH.
    path=$(tr '\0' '\n' <"/proc/$pid/environ" | sed -n 's/^PATH=//p')
    python=$(PATH=$path command -v -- "$python") || python=
    ;;
esac
if [ -z "$python" ] || [ ! -x "$python" ]; then
    echo "the command line of $unit's main process ($pid) does not begin with its interpreter: is its title set?" >&2
    exit 78
fi
if [ ! -d "$bridge/migrate_sessions" ]; then
    echo "there is no session bridge in $bridge" >&2
    exit 66
fi
if [ ! -d "$application" ]; then
    echo "there is no directory $application" >&2
    exit 66
fi
cd -- "$bridge"
# -B: looking must not leave byte code behind. Counting must not take the application's share of the machine.
status=0
nice -n 10 timeout -k 2 "$seconds" "$python" -B -m migrate_sessions.census --application "$application" || status=$?
if [ "$status" -eq 124 ]; then
    echo "counting the sessions below $application did not end within $seconds s" >&2
    exit 70
fi
[ "$status" -eq 0 ] || exit 70
echo end
