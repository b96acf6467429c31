# Local addresses of TCP sockets in state 0A, LISTEN, from the kernel's tables: proc(5). Chosen here, because a busy
# host has tens of thousands of other sockets, most of them in TIME_WAIT.
set -eu
listening='s/^ *[0-9]*: \([0-9A-F]*:[0-9A-F]*\) [0-9A-F]*:[0-9A-F]* 0A .*/\1/p'
sed -n "$listening" /proc/net/tcp
# Absent where IPv6 is switched off.
if [ -e /proc/net/tcp6 ]; then
    sed -n "$listening" /proc/net/tcp6
fi
echo end
