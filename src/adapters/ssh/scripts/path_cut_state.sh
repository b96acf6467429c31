# How a cut path is. Argument: the rollout's name. Prints one of: whole, armed SECONDS, cut SECONDS, healed, failed WHY.
set -eu
LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL PATH
mark=$HOME/.migrate-cut-$1
if [ ! -d "$mark" ]; then
    echo whole
    echo end
    exit 0
fi
# The mark is written whole under another name and then renamed: what is in it is complete.
now=$(date +%s)
begins=$(cat "$mark/begins")
ends=$(cat "$mark/ends")
is_cut=no
while read -r address; do
    routes=$(ip -4 route show "$address/32")
    case "$routes" in *"dev lo"*) is_cut=yes ;; esac
done <"$mark/addresses"
left=$((ends - now))
soon=$((begins - now))
[ "$left" -gt 0 ] || left=0
if [ "$is_cut" = yes ]; then
    echo "cut $left"
elif [ -e "$mark/began" ]; then
    echo healed
elif [ -s "$mark/failed" ]; then
    why=$(tr '\n' ' ' <"$mark/failed")
    echo "failed $why"
elif [ "$soon" -gt -5 ]; then
    [ "$soon" -gt 0 ] || soon=0
    echo "armed $soon"
else
    echo "failed nothing cut it when its time came: was the host restarted?"
fi
echo end
