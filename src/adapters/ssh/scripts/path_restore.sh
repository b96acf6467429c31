# Calls off a cut, restores the path and removes the mark. Argument: the rollout's name.
set -eu
LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL PATH
mark=$HOME/.migrate-cut-$1
rm -rf -- "$mark.new"
if [ ! -d "$mark" ]; then
    echo restored
    echo end
    exit 0
fi
# Ends one of the two processes, by a number that is proven to be still its own.
stop() {
    pid=$(cat "$mark/$1" 2>/dev/null) || return 0
    [ -n "$pid" ] || return 0
    words=$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") || return 0
    case "$words" in
    *"$mark/$2 $mark "*) kill -- "-$pid" 2>/dev/null || kill "$pid" 2>/dev/null || true ;;
    esac
}
cut_now() {
    while read -r address; do
        routes=$(ip -4 route show "$address/32")
        case "$routes" in *"dev lo"*) printf '%s\n' "$address" ;; esac
    done <"$mark/addresses"
}
stop cutter cut
whole=0
tries=0
# Twice in a row: what the cutter had begun when it was stopped may still have come.
while [ "$whole" -lt 2 ]; do
    left=$(cut_now)
    if [ -z "$left" ]; then
        whole=$((whole + 1))
    else
        whole=0
        tries=$((tries + 1))
        [ "$tries" -le 5 ] || { echo "the route to $left could not be removed: $said" >&2; exit 70; }
        for address in $left; do
            said=$(sudo -n ip route del "$address/32" dev lo 2>&1) || true
        done
    fi
    sleep 0.2
done
# Only now: until here it would have healed the path without us.
stop healer heal
rm -rf -- "$mark"
echo restored
echo end
