# Reads a whole script from standard input before any of it runs: a connection that breaks while a script is on its
# way must not leave half of it executed. Arguments: the script's size in bytes, then the script's own arguments.
# It runs in a subshell, so that a script killed by a signal is an exit code here and not a lost connection, and with
# an empty standard input, so that no command of it can swallow the rest.
script=$(cat && printf .) || exit 121
script=${script%.}
if [ "$(printf %s "$script" | wc -c)" -ne "$1" ]; then
    echo 'migrate: the script did not arrive whole' >&2
    exit 122
fi
shift
(eval "$script") </dev/null
exit $?
