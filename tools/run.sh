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
PATH=$PATH:/usr/sbin:/sbin

fail() {
    echo "$1" >&2
    exit "${2:-1}"
}

# ------------------------------------------------------------------------------
# Settings

# trim TEXT: without white space at either end
trim() {
    text=${1#"${1%%[![:space:]]*}"}
    printf '%s' "${text%"${text##*[![:space:]]}"}"
}

# Read KEY=VALUE lines: "export " in front, quotes, comments and CRLF are allowed.
# Nothing is executed or expanded, and only the names below are taken, so that a .env
# made for something else can do no harm.
read_env_file() {
    while IFS= read -r line || [ -n "$line" ]; do
        line=$(trim "$line")
        case $line in
            export[[:space:]]*) line=$(trim "${line#export}") ;;
        esac
        name=$(trim "${line%%=*}")
        case $line in
            '#'* | '' | [!A-Za-z_]*) continue ;;
            *=*) value=$(trim "${line#*=}") ;;
            *) continue ;;
        esac
        case $value in
            '"'*'"'*) value=${value#\"}; value=${value%%\"*} ;;
            "'"*"'"*) value=${value#\'}; value=${value%%\'*} ;;
            '#'*) value= ;;
            *[[:space:]]'#'*) value=$(trim "${value%%[[:space:]]#*}") ;;
        esac
        case $name in
            AUTH0_DOMAIN | AUTH0_AUDIENCE | AUTH0_CA_FILE | CLIENT_ORIGIN_URL | PORT | CONF)
                # The real environment wins.
                eval "[ -n \"\${$name+set}\" ] || $name=\$value"
                ;;
        esac
    done <"$1"
}

if [ -f .env ]; then
    [ -r .env ] || fail "The file .env cannot be read: check its owner and mode."
    read_env_file .env
fi

CONF=${CONF:-hello-world}
AUTH0_DOMAIN=${AUTH0_DOMAIN-}
AUTH0_AUDIENCE=${AUTH0_AUDIENCE-}
AUTH0_CA_FILE=${AUTH0_CA_FILE-}
CLIENT_ORIGIN_URL=${CLIENT_ORIGIN_URL:-http://localhost:4040}
export AUTH0_DOMAIN AUTH0_AUDIENCE CLIENT_ORIGIN_URL

case $CONF in
    hello-world)
        port_name=HELLO_WORLD_PORT default_port=6060 title='The Hello World API'
        public=/api/messages/public
        protected=/api/messages/protected
        restricted=/api/messages/admin
        grant_option=--permission grant=read:admin-messages
        grant_kind=permission
        ;;
    quickstart)
        port_name=QUICKSTART_PORT default_port=5000 title='The quickstart API'
        public=/api/public
        protected=/api/private
        restricted=/api/private-scoped
        grant_option=--scope grant=read:messages
        grant_kind=scope
        ;;
    *)
        fail "CONF is $CONF, but there is only hello-world and quickstart." 64
        ;;
esac

PORT=${PORT:-$default_port}
case $PORT in
    *[!0-9]* | ??????*) fail "PORT is $PORT, but must be a number from 1 to 65535." 64 ;;
esac
if [ "$PORT" -lt 1 ] || [ "$PORT" -gt 65535 ]; then
    fail "PORT is $PORT, but must be a number from 1 to 65535." 64
fi
url=http://localhost:$PORT

if [ -n "$AUTH0_DOMAIN" ] && [ -z "$AUTH0_AUDIENCE" ]; then
    fail "AUTH0_DOMAIN is set, but AUTH0_AUDIENCE (the API's identifier) is missing." 64
elif [ -z "$AUTH0_DOMAIN" ] && [ -n "$AUTH0_AUDIENCE" ]; then
    fail "AUTH0_AUDIENCE is set, but AUTH0_DOMAIN (the tenant's domain) is missing." 64
fi

case $AUTH0_DOMAIN in
    *://* | */*)
        host=${AUTH0_DOMAIN#*://}
        fail "AUTH0_DOMAIN must be a bare domain: write AUTH0_DOMAIN=${host%%/*}" 64
        ;;
esac

# ------------------------------------------------------------------------------
# The server

httpd=
for name in "$(apxs -q SBINDIR)/$(apxs -q PROGNAME)" apache2 httpd; do
    if httpd=$(command -v "$name"); then
        break
    fi
done
[ -n "$httpd" ] || fail "There is no httpd. Run: make -f Makefile.apxs setup"
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
    status=0
    code=$(curl -q -s --globoff --proto =https --max-time 5 -o /dev/null \
        -w '%{http_code}' "$@" -- "$jwks") || status=$?
    [ "$status" != 0 ] || [ "$code" != 200 ] || return 0
    case $status in
        0) cause="it answered with status $code to $jwks" ;;
        3) cause="this is not a domain name" ;;
        5) cause="the name of the proxy does not resolve" ;;
        6) cause="the name does not resolve" ;;
        7) cause="the connection was refused" ;;
        28) cause="there was no answer within 5 seconds" ;;
        35) cause="the TLS handshake failed" ;;
        60) cause="its certificate is not trusted" ;;
        *) cause="curl failed with code $status" ;;
    esac
    fail "The tenant $AUTH0_DOMAIN cannot be used: $cause."
}

[ -z "$AUTH0_DOMAIN" ] || check_tenant

umask 022
if ! mkdir -p "$run/dev" 2>/dev/null || [ ! -w "$run" ] || [ ! -w "$run/dev" ]; then
    fail "The folder $run belongs to another user. Remove it: sudo rm -r $run"
fi

# ------------------------------------------------------------------------------
# Development issuer: a key of this checkout, made once; tokens are new at each start

make_key() {
    (
        umask 077
        "$tool" keygen --alg RS256 --key "$run/dev/key.pem.new" \
            --jwks "$run/dev/jwks.json.new"
    ) >/dev/null
    # Workers that run as another user read the key set; nobody else reads the key.
    chmod 644 "$run/dev/jwks.json.new"
    mv "$run/dev/jwks.json.new" "$run/dev/jwks.json"
    mv "$run/dev/key.pem.new" "$run/dev/key.pem"
}

# mint FILE OPTION...
mint() {
    file=$1
    shift
    (
        umask 077
        "$tool" mint --key "$run/dev/key.pem" --iss "$url/" --aud "$url" \
            --sub 'auth0|dev-user' --expires-in 86400 "$@" >"$file"
    )
}

if [ -z "$AUTH0_DOMAIN" ]; then
    if [ ! -e "$run/dev/key.pem" ] || [ ! -e "$run/dev/jwks.json" ]; then
        rm -f "$run/dev"/*.new
        make_key
    fi
    token=$run/dev/$CONF-token
    grant_token=$run/dev/$CONF-token-with-$grant_kind
    mint "$token"
    mint "$grant_token" "$grant_option" "$grant"
fi

# ------------------------------------------------------------------------------
# httpd's configuration

# Some modules are compiled in, which ones depends on the distribution; LoadModule of
# one of those is fatal.
load_modules() {
    compiled_in=$("$httpd" -l)
    folder=$(apxs -q LIBEXECDIR)
    for module in mpm_event unixd log_config watchdog authn_core authz_core authz_user \
            alias headers; do
        case $module in
            # An MPM is named without "mod_"; there may be another one compiled in.
            mpm_event) pattern='(event|worker|prefork)' ;;
            *) pattern=mod_$module ;;
        esac
        if ! echo "$compiled_in" | grep -Eq "^ *$pattern\.c\$"; then
            echo "LoadModule ${module}_module \"$folder/mod_$module.so\""
        fi
    done
}

# Root hands over to the user that the distribution made for httpd.
name_user() {
    [ "$(id -u)" = 0 ] || return 0
    for user in www-data apache http nobody; do
        if id "$user" >/dev/null 2>&1; then
            echo "User $user"
            echo "Group $(id -gn "$user")"
            return
        fi
    done
}

# The log goes to the terminal, or to a file where that cannot be opened by name (a
# socket, or another user's terminal after su).
exec 3>&2
error_log=/dev/stderr
if ! (: >>/dev/fd/3) 2>/dev/null; then
    error_log=$run/$CONF-$PORT.log
    : >"$error_log"
fi
exec 3>&-

conf=$run/$CONF-$PORT.conf
{
    echo "# Written by tools/run.sh at each start."
    echo "ServerRoot \"$run\""
    echo "DefaultRuntimeDir \"$run\""
    echo "PidFile \"$run/$CONF-$PORT.pid\""
    echo "ServerName localhost"
    echo "ErrorLog \"$error_log\""
    echo "ErrorLogFormat \"[%{c}t] [%m:%l] [client\\ %a] %M\""
    echo "LogLevel warn auth0_jwt:info authz_core:crit"
    load_modules
    echo "LoadModule auth0_jwt_module \"$top/mod_auth0_jwt.so\""
    name_user
    echo "<Directory />"
    echo "    AllowOverride None"
    echo "</Directory>"
    if [ -n "$AUTH0_DOMAIN" ]; then
        [ -z "$AUTH0_CA_FILE" ] || echo "Auth0CAFile \"$(realpath "$AUTH0_CA_FILE")\""
    else
        echo "Define AUTH0_DEV"
        echo "Auth0Issuer $url/ \"jwks=file:$run/dev/jwks.json\""
        echo "Auth0Audience $url"
    fi
    echo "Define $port_name $PORT"
    echo "Include \"$top/conf/$CONF.conf\""
} >"$conf"

# ------------------------------------------------------------------------------
# What people see

# show STATUS EXPLANATION CURL-ARGUMENTS
show() {
    printf '  %s  %s\n       curl -i %s\n' "$1" "$2" "$3"
}

# bearer FILE: the argument that sends the token in FILE
bearer() {
    printf "%s" "-H \"Authorization: Bearer \$(cat '$1')\""
}

show_development() {
    cat <<TEXT

$title is on $url. Ctrl-C stops it.

There is no Auth0 tenant set, so it trusts a key made on this machine, and these
tokens, which are valid for a day:
  $token
  $grant_token (with $grant)

Try in another terminal:

GET $public
TEXT
    show 200 'no token' "$url$public"
    show 200 'a token changes nothing' "$(bearer "$token") $url$public"
    show 200 "nor does $grant" "$(bearer "$grant_token") $url$public"
    printf '\nGET %s\n' "$protected"
    show 401 'no token' "$url$protected"
    show 200 'any valid token' "$(bearer "$token") $url$protected"
    show 200 "also with $grant" "$(bearer "$grant_token") $url$protected"
    printf '\nGET %s\n' "$restricted"
    show 401 'no token' "$url$restricted"
    show 403 "the $grant_kind is missing" "$(bearer "$token") $url$restricted"
    show 200 "with $grant" "$(bearer "$grant_token") $url$restricted"
    cat <<TEXT

To use a real tenant: cp .env.example .env, fill in AUTH0_DOMAIN and AUTH0_AUDIENCE,
and start again.

TEXT
}

show_tenant() {
    cat <<TEXT

$title is on $url, protected with $AUTH0_DOMAIN
for the audience $AUTH0_AUDIENCE. Ctrl-C stops it.

Get a token, with the client of a machine-to-machine application:

  curl -s https://$AUTH0_DOMAIN/oauth/token -H 'Content-Type: application/json' -d '{"client_id":"CLIENT_ID","client_secret":"CLIENT_SECRET","audience":"$AUTH0_AUDIENCE","grant_type":"client_credentials"}'

Put its access_token into TOKEN (TOKEN=eyJ...), and try:

TEXT
    show 200 'no token needed' "$url$public"
    show 200 'a valid token' "-H \"Authorization: Bearer \$TOKEN\" $url$protected"
    show 200 "a token with $grant" "-H \"Authorization: Bearer \$TOKEN\" $url$restricted"
    echo
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
until curl -q -s --noproxy '*' -m 2 -o /dev/null "http://127.0.0.1:$PORT$public"; do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
done
if kill -0 "$pid" 2>/dev/null; then
    if [ -n "$AUTH0_DOMAIN" ]; then
        show_tenant
    else
        show_development
    fi
    [ "$error_log" = /dev/stderr ] || echo "The log is in $error_log."
fi

status=0
wait "$pid" || status=$?
pid=
[ "$status" = 0 ] && exit 0
[ "$error_log" = /dev/stderr ] || cat "$error_log" >&2
fail "httpd stopped with status $status."
