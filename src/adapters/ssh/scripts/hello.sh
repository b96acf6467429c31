# Who we are on this host.
set -eu
account=$(id -un)
printf 'account %s\n' "$account"
echo end
