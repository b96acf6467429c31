# Has this host cut its path to a host for a while. Arguments: the rollout's name, the host's name, seconds until the cut
# begins, seconds that it lasts. Exits with 77 when it is not possible here; nothing has happened then.
#
# Packets to a foreign address that are routed to the loopback device are dropped without a word, so connections hang, as
# they do in a real outage; a blackhole route would answer every attempt with an error at once. The route is put before
# whatever route there is and is only taken away again: nothing has to be remembered to restore the path.
set -eu
LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL PATH
refuse() {
    printf '%s\n' "$*" >&2
    exit 77
}
mark=$HOME/.migrate-cut-$1
[ ! -e "$mark" ] || refuse "there is a mark of a cut already: $mark"
command -v ip >/dev/null || refuse "there is no \`ip\` on this host: install iproute2"
command -v setsid >/dev/null || refuse "there is no \`setsid\` on this host: install util-linux"

addresses=$(getent ahostsv4 "$2" | awk '{ print $1 }' | sort -u) || addresses=
[ -n "$addresses" ] || refuse "$2 has no IPv4 address on this host"
other=$(getent ahostsv6 "$2" | awk '$1 !~ /^::ffff:/ { print $1 }' | sort -u) || other=
[ -z "$other" ] || refuse "$2 has IPv6 addresses, too, which this drill cannot cut: $other"
for address in $addresses; do
    for verb in prepend del; do
        sudo -n -l ip route "$verb" "$address/32" dev lo >/dev/null 2>&1 ||
            refuse "\`sudo -n ip route $verb $address/32 dev lo\` is not allowed on this host"
    done
    route=$(ip -4 route get "$address")
    case "$route" in local*) refuse "$2 is this host itself ($address): its path cannot be cut" ;; esac
    case "$route" in *"dev lo"*) refuse "the path to $2 ($address) is cut already, and not by us" ;; esac
done

umask 077
new=$mark.new
rm -rf -- "$new"
mkdir -- "$new"
printf '%s\n' $addresses >"$new/addresses"
now=$(date +%s)
echo $((now + $3)) >"$new/begins"
echo $((now + $3 + $4)) >"$new/ends"
# Each is a session of its own, because ours ends with the connection. The healer is there before anything is cut, and
# does not depend on the one that cuts.
cat >"$new/heal" <<'HEAL'
echo $$ >"$1/healer"
sleep "$2"
tries=0
while [ "$tries" -lt 60 ]; do
    left=no
    while read -r address; do
        sudo -n ip route del "$address/32" dev lo 2>/dev/null
        routes=$(ip -4 route show "$address/32") || left=yes
        case "$routes" in *"dev lo"*) left=yes ;; esac
    done <"$1/addresses"
    [ "$left" = yes ] || exit 0
    tries=$((tries + 1))
    sleep 1
done
HEAL
cat >"$new/cut" <<'CUT'
echo $$ >"$1/cutter"
sleep "$2"
kill -0 "$(cat "$1/healer")" 2>/dev/null || { echo "the one that would have restored it has gone" >"$1/failed"; exit 1; }
while read -r address; do
    sudo -n ip route prepend "$address/32" dev lo 2>"$1/said" || { mv "$1/said" "$1/failed"; exit 1; }
    : >"$1/began"
done <"$1/addresses"
CUT
mv -- "$new" "$mark"
setsid sh "$mark/heal" "$mark" $(($3 + $4)) </dev/null >/dev/null 2>&1 &
tries=0
until [ -s "$mark/healer" ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ]; then
        rm -rf -- "$mark"
        refuse "a process that outlives the connection could not be started on this host"
    fi
    sleep 0.1
done
setsid sh "$mark/cut" "$mark" "$3" </dev/null >/dev/null 2>&1 &
# So that it can be called off from now on. Without its mark it would cut nothing, either.
tries=0
until [ -s "$mark/cutter" ] || [ "$tries" -gt 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
echo armed
echo end
