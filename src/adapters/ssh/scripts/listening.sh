# The kernel's tables of TCP sockets: proc(5).
set -eu
cat /proc/net/tcp
# Absent where IPv6 is switched off.
if [ -e /proc/net/tcp6 ]; then
    cat /proc/net/tcp6
fi
echo end
