# One TCP connection attempt. Arguments: host, port, seconds, the Python program. With python3 where there is one, else
# with bash: nothing is installed for this.
set -eu
LC_ALL=C
export LC_ALL
# Name resolution has a patience of its own; a name that does not resolve in time was never tried.
patience=$(($3 + 10))
status=0
if command -v python3 >/dev/null 2>&1; then
    answer=$(timeout -k 1 "$patience" python3 -I -c "$4" "$1" "$2" "$3") || status=$?
    if [ "$status" -eq 124 ]; then
        answer=no_route
    elif [ "$status" -ne 0 ]; then
        exit 70
    fi
elif ! timeout -k 1 10 getent ahosts "$1" >/dev/null 2>&1; then
    answer=no_route
else
    # shellcheck disable=SC2016 # expanded by bash
    answer=$(timeout -k 1 "$3" bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>&1) || status=$?
    case "$status:$answer" in
    0:*) answer=open ;;
    124:*) answer=timed_out ;;
    *'Connection refused'*) answer=refused ;;
    *'Connection timed out'*) answer=timed_out ;;
    *'No route to host'* | *'Network is unreachable'* | *'ame or service not known'* | *'name resolution'* | *'No address associated'*)
        answer=no_route ;;
    *)
        printf '%s\n' "$answer" >&2
        exit 70
        ;;
    esac
fi
printf 'reach %s\n' "$answer"
echo end
