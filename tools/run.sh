#!/bin/sh
# Serve a sample API in the foreground: what `make -f Makefile.apxs run` calls.
#
#   PORT=6060 CONF=hello-world tools/run.sh
#
# Everything it writes goes to run/ in the checkout. With AUTH0_DOMAIN and
# AUTH0_AUDIENCE, from the environment or .env, it protects the API with that tenant;
# without them, with a development issuer whose key it makes on the first run.
#
# A tenant that cannot be reached stops the start: a server that answers 503 to every
# token would show the same problem later and less clearly. (A server that runs already
# keeps its keys through an outage; this is only about the start of a trial run.)
#
# Exit status: 64 for a wrong setting, 1 for anything else that keeps it from starting.
set -eu

cd "$(dirname "$0")/.."
top=$(pwd)
run=$top/run
tool=$top/build/auth0-jwt
module=$top/mod_auth0_jwt.so
PATH=$PATH:/usr/sbin:/sbin

# shellcheck source=tools/sample.sh
. tools/sample.sh
# shellcheck source=tools/console.sh
. tools/console.sh

# ------------------------------------------------------------------------------
# Settings

if [ -f .env ]; then
    [ -r .env ] || fail "The file .env cannot be read: check its owner and mode."
    read_env_file .env
fi

AUTH0_DOMAIN=${AUTH0_DOMAIN-}
AUTH0_AUDIENCE=${AUTH0_AUDIENCE-}
AUTH0_CA_FILE=${AUTH0_CA_FILE-}
CLIENT_ORIGIN_URL=${CLIENT_ORIGIN_URL:-http://localhost:4040}
export AUTH0_DOMAIN AUTH0_AUDIENCE CLIENT_ORIGIN_URL

choose_api
check_port "$api_port"
check_tenant_settings

# ------------------------------------------------------------------------------
# The server

httpd=
for name in "$(apxs -q SBINDIR)/$(apxs -q PROGNAME)" apache2 httpd; do
    if httpd=$(command -v "$name"); then
        break
    fi
done
[ -n "$httpd" ] || fail "There is no httpd. Run: make -f Makefile.apxs setup"
modules=$(apxs -q LIBEXECDIR)
for file in mod_auth0_jwt.so build/auth0-jwt; do
    [ -e "$file" ] || fail "$file is not built. Run: make -f Makefile.apxs module auth0-jwt"
done

# Look before httpd does, which would say it in three lines of its own. 0A is LISTEN.
if cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
        grep -Eiq "^ *[0-9]+: [0-9A-F]+:$(printf '%04X' "$PORT") [0-9A-F:]+ 0A "; then
    fail "Port $PORT is in use. Choose another: make -f Makefile.apxs run PORT=$((PORT + 1))"
fi
if [ "$(id -u)" != 0 ] && [ -r /proc/sys/net/ipv4/ip_unprivileged_port_start ] &&
        [ "$PORT" -lt "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" ]; then
    fail "Port $PORT is for root only. Choose another: make -f Makefile.apxs run PORT=6060"
fi

# Can the tenant's keys be fetched? The same request as the module's, as a trial.
check_tenant() {
    jwks=https://$AUTH0_DOMAIN/.well-known/jwks.json
    if [ -n "$AUTH0_CA_FILE" ]; then
        [ -r "$AUTH0_CA_FILE" ] || fail "AUTH0_CA_FILE=$AUTH0_CA_FILE cannot be read." 64
        set -- --cacert "$AUTH0_CA_FILE"
    else
        set --
    fi
    where='AUTH0_DOMAIN is the Domain on the Settings page of an application'
    status=0
    code=$(curl -q -s --globoff --proto =https --max-time 5 -o /dev/null \
        -w '%{http_code}' "$@" -- "$jwks") || status=$?
    [ "$status" != 0 ] || [ "$code" != 200 ] || return 0
    case $status in
        0) cause="it answered with status $code to $jwks; $where" ;;
        3) cause="this is not a domain name" ;;
        5) cause="the name of the proxy does not resolve" ;;
        6) cause="the name does not resolve; $where" ;;
        7) cause="the connection was refused" ;;
        28) cause="there was no answer within 5 seconds" ;;
        35) cause="the TLS handshake failed" ;;
        60) cause="its certificate is not trusted; for an authority of your own, set AUTH0_CA_FILE" ;;
        *) cause="curl failed with code $status" ;;
    esac
    fail "The tenant $AUTH0_DOMAIN cannot be used: $cause."
}

if [ -n "$AUTH0_DOMAIN" ]; then
    check_tenant
else
    AUTH0_CA_FILE=
fi

umask 022
if ! mkdir -p "$run/dev" 2>/dev/null || [ ! -w "$run" ] || [ ! -w "$run/dev" ]; then
    fail "The folder $run belongs to another user. Remove it: sudo rm -r $run"
fi

# The key is this checkout's, made once; the tokens are new at each start.
if [ -z "$AUTH0_DOMAIN" ]; then
    token=$run/dev/$CONF-token
    grant_token=$run/dev/$CONF-token-with-$api_grant_kind
    make_development_key
    mint "$token"
    mint "$grant_token" "$api_grant_kind" "$api_grant"
fi

# ------------------------------------------------------------------------------
# httpd's configuration

# Root hands over to the user that the distribution made for httpd.
user=''
group=''
if [ "$(id -u)" = 0 ]; then
    for user in www-data apache http nobody; do
        if group=$(id -gn "$user" 2>/dev/null); then
            break
        fi
    done
fi

# The log goes to the terminal, or to a file where that cannot be opened by name (a
# socket, or another user's terminal after su).
exec 3>&2
error_log=/dev/stderr
if ! (: >>/dev/fd/3) 2>/dev/null; then
    error_log=$run/$CONF-$PORT.log
    : >"$error_log"
fi
exec 3>&-

write_console "$group"
conf=$run/$CONF-$PORT.conf
{
    server_configuration "$CONF-$PORT" "$error_log"
    if [ -n "$group" ]; then
        echo "User $user"
        echo "Group $group"
    fi
    console_configuration loopback
    sample_configuration
} >"$conf"

# ------------------------------------------------------------------------------
# What people see

show_api() {
    if [ -n "$AUTH0_DOMAIN" ]; then
        cat <<TEXT

Open $url in a browser. Ctrl-C stops it.

$api_title is there, protected with $AUTH0_DOMAIN
for the audience $AUTH0_AUDIENCE.

TEXT
        show_tenant
        echo
        return
    fi
    cat <<TEXT

Open $url in a browser. Ctrl-C stops it.

$api_title is there. There is no Auth0 tenant set, so it trusts a key made on
this machine, and these tokens, which are valid for a day:
  $token
  $grant_token (with $api_grant)

Try in another terminal:

TEXT
    show_development "\$(cat '$token')" "\$(cat '$grant_token')"
    cat <<TEXT

To use a real tenant: cp .env.example .env, fill in AUTH0_DOMAIN and AUTH0_AUDIENCE,
and start again.

TEXT
}

# ------------------------------------------------------------------------------
# Start. httpd gets a session of its own because it takes SIGWINCH, which a terminal
# sends when its window changes size, for "stop gracefully". So we pass on what
# should stop it.

pid=
# shellcheck disable=SC2317  # called by the trap
stop() {
    trap '' INT TERM HUP
    if [ -n "$pid" ]; then
        kill -TERM "$pid" 2>/dev/null || :
        wait "$pid" 2>/dev/null || :
    fi
    exit 0
}
trap stop INT TERM HUP

setsid "$httpd" -d "$run" -f "$conf" -DFOREGROUND </dev/null &
pid=$!

# Ready when it answers; gone when it did not like something, which it has said.
until curl -q -s --noproxy '*' -m 2 -o /dev/null "http://127.0.0.1:$PORT$api_public"; do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
done
if kill -0 "$pid" 2>/dev/null; then
    show_api
    [ "$error_log" = /dev/stderr ] || echo "The log is in $error_log."
fi

status=0
wait "$pid" || status=$?
pid=
[ "$status" = 0 ] && exit 0
[ "$error_log" = /dev/stderr ] || cat "$error_log" >&2
fail "httpd stopped with status $status."
