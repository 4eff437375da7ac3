#!/bin/sh
# What a container of the image runs: httpd, as the environment says.
#
#   AUTH0_DOMAIN, AUTH0_AUDIENCE   a sample API, protected with that tenant
#   AUTH0_DEV=1                    the same with a development issuer of its own
#   a site mounted at /srv/site    is served, protected
#   PROXY_TO=http://app:3000       passes protected requests on
#   files in /etc/auth0-jwt/conf.d are the configuration
#
# docs/docker.md has them all. With arguments it runs these instead. What it writes goes to
# /dev/shm, which every container has, so the file system may be read-only.
#
# It starts though the tenant cannot be reached, and answers 503 until it can: a container
# that ended would be started again and again, just when the tenant is down.
#
# Exit status: 64 for a wrong setting, 1 for anything else that keeps it from starting.
set -eu

[ $# = 0 ] || exec "$@"

# The first process of a container hears only the signals that it has asked for.
trap 'exit 0' TERM QUIT INT

top=/usr/local/share/auth0-jwt
site=/srv/site
conf_d=/etc/auth0-jwt/conf.d
modules=/usr/lib/apache2/modules
module=$modules/mod_auth0_jwt.so
tool=/usr/local/bin/auth0-jwt
httpd=/usr/sbin/apache2

# shellcheck source=tools/sample.sh
. "$top/sample.sh"
# shellcheck source=tools/console.sh
. "$top/console.sh"
# shellcheck source=image/settings.sh
. "$top/settings.sh"
# shellcheck source=image/server.sh
. "$top/server.sh"

# ------------------------------------------------------------------------------
# Settings

[ "$(id -u)" != 0 ] ||
    fail "This image does not run as root: leave out --user, or give it another user." 64

read_settings
choose_mode
check_trust
choose_api
case $mode in
    sample) check_ports "$api_port" ;;
    *) check_ports 6060 ;;
esac
check_patience
check_files
check_origin
check_permissions
check_public_paths
[ "$mode" != proxy ] || check_proxy

# ------------------------------------------------------------------------------
# What it writes: the configuration, and in development the key and tokens. All of it is
# this user's alone and in memory.

umask 077
run=
for folder in /dev/shm /tmp; do
    if run=$(mktemp -d "$folder/auth0-jwt.XXXXXX" 2>/dev/null); then
        break
    fi
done
[ -n "$run" ] || fail "Neither /dev/shm nor /tmp can be written to: add --tmpfs /tmp."
trap 'rm -rf "$run"' EXIT

token=$run/dev/token
grant_token=$run/dev/token-with-grant
if [ -n "$AUTH0_DEV" ]; then
    mkdir "$run/dev"
    make_development_key
    mint "$token"
    [ "$mode" != sample ] || set -- "$api_grant_kind" "$api_grant"
    set -f
    for word in $AUTH0_PERMISSION; do
        set -- "$@" permission "$word"
    done
    set +f
    mint "$grant_token" "$@"
fi

[ "$mode" != sample ] || write_console ''

# The logs, by name; or, where nobody may open them by name (sockets, pipes of another
# user), by a program that inherits them.
exec 3>&1 4>&2
access_log=/dev/stdout error_log=/dev/stderr
(: >>/dev/fd/3) 2>/dev/null || access_log='|/bin/cat'
(: >>/dev/fd/4) 2>/dev/null || error_log='|$/bin/cat >&2'
exec 3>&- 4>&-

conf=$run/httpd.conf
{
    common_configuration
    health_configuration
    [ "$mode" != sample ] || console_configuration published
    "${mode%.d}_configuration"
} >"$conf"

# ------------------------------------------------------------------------------
# Run. The server has a session of its own, and this shell passes signals on: httpd takes
# SIGWINCH, which whoever resizes a terminal sends without meaning it, for "stop
# gracefully", and SIGTERM for "stop at once", which nobody means who stops a container.

stopping=

# pass_on SIGNAL
pass_on() {
    kill -"$1" "$pid" 2>/dev/null || :
}

# Finish the requests under way, and give up on those that take too long. Before it is up,
# httpd does not know SIGWINCH.
# shellcheck disable=SC2317  # called by the trap
stop() {
    [ -z "$stopping" ] || return 0
    stopping=1
    if [ -e "$run/httpd.pid" ]; then
        pass_on WINCH
        { sleep "$STOP_SECONDS"; kill -KILL "-$pid" 2>/dev/null; } &
    else
        pass_on TERM
    fi
}

setsid "$httpd" -d "$run" -f "$conf" -DFOREGROUND </dev/null &
pid=$!
trap stop TERM QUIT
trap 'stopping=1; pass_on TERM' INT
trap 'pass_on USR1' HUP USR1

# It writes that file when it listens; it is gone when it did not like something.
while [ ! -e "$run/httpd.pid" ] && kill -0 "$pid" 2>/dev/null; do
    sleep 0.1
done
[ ! -e "$run/httpd.pid" ] || show_server

# A signal ends wait, too, with a status of its own.
while :; do
    status=0
    wait "$pid" || status=$?
    kill -0 "$pid" 2>/dev/null || break
done
[ "$status" = 0 ] || [ -n "$stopping" ] || fail "httpd stopped with status $status."
