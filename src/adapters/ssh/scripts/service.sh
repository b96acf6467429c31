# A unit ($1) and its main process. One fact a line; a `-` where there is nothing, or nothing we may see.
set -eu
LC_ALL=C
export LC_ALL

properties=$(systemctl show "$1" -p LoadState -p ActiveState -p MainPID -p FragmentPath -p DropInPaths)
property() {
    printf '%s\n' "$properties" | sed -n "s/^$1=//p"
}

# Assigned first everywhere: a failure inside an argument of printf would go unnoticed.
load=$(property LoadState)
printf 'load %s\n' "$load"
active=$(property ActiveState)
printf 'active %s\n' "$active"

# The unit file and its drop-ins. systemd separates the paths by spaces.
for file in $(property FragmentPath) $(property DropInPaths); do
    sum=$(sha256sum -- "$file")
    printf 'unit %s\n' "$sum"
done

# The fields of proc_pid_stat(5) after the command name, which may hold spaces and parentheses itself.
fields() {
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    printf '%s\n' "${stat##*)}"
}
# Field 22, when the process started: the 20th after the command name.
started() {
    # shellcheck disable=SC2046 # the fields are numbers
    set -- $(fields "$1") || return 1
    [ "$#" -ge 20 ] || return 1
    shift 19
    printf '%s' "$1"
}

pid=$(property MainPID)
if [ -z "$pid" ] || [ "$pid" = 0 ]; then
    echo 'pid -'
    echo end
    exit 0
fi
printf 'pid %s\n' "$pid"

before=$(started "$pid") || { echo "process $pid went away while it was looked at" >&2; exit 75; }
[ -n "$before" ] || { echo "process $pid went away while it was looked at" >&2; exit 75; }
printf 'started %s\n' "$before"

# Another account's processes hide where they point and what their environment is; that is not an error.
executable=$(readlink "/proc/$pid/exe" 2>/dev/null) || executable=-
printf 'executable %s\n' "$executable"

# As hexadecimal digits: arguments are separated by NUL and may hold newlines.
command=$(od -An -v -tx1 "/proc/$pid/cmdline")
printf 'command '
# shellcheck disable=SC2086 # split on purpose
printf '%s' $command
echo

# Hashed here: the environment holds secrets and stays on this host.
if environment=$(sha256sum 2>/dev/null <"/proc/$pid/environ"); then
    printf 'environment %s\n' "${environment%% *}"
else
    echo 'environment -'
fi

workers=0
for process in /proc/[0-9]*; do
    # A process may end at any moment of this loop.
    child=$(fields "${process#/proc/}") || continue
    # shellcheck disable=SC2086 # the fields are numbers
    set -- $child
    if [ "${2:-}" = "$pid" ]; then
        workers=$((workers + 1))
    fi
done
printf 'workers %s\n' "$workers"

# The same process all the while?
after=$(started "$pid") || after=
if [ "$after" != "$before" ]; then
    echo "process $pid went away while it was looked at" >&2
    exit 75
fi
echo end
