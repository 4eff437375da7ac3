# shellcheck shell=sh disable=SC2034,SC2154  # set here and used there, or the other way
# The sample APIs as a server of their own: what tools/run.sh and the image's entry point
# have in common. To be sourced; it defines functions and does nothing by itself.
#
# The script that sources it says where things are, before it calls a function:
#
#   top      the folder with conf/
#   module   mod_auth0_jwt.so
#   tool     the command line tool auth0-jwt
#   modules  the folder of httpd's own modules
#   httpd    the server's program
#   run      the folder for what is written at run time
#
# The settings are the variables that .env.example lists; the functions here check them
# and add api_* (what an API consists of) and url.

# fail SENTENCE [STATUS]: 64 is for a wrong setting
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

# bare VALUE: as an .env file means it, without quotes, comment and CR
bare() {
    value=$(trim "$1")
    case $value in
        '"'*'"'*) value=${value#\"}; value=${value%%\"*} ;;
        "'"*"'"*) value=${value#\'}; value=${value%%\'*} ;;
        '#'*) value= ;;
        *[[:space:]]'#'*) value=$(trim "${value%%[[:space:]]#*}") ;;
    esac
    printf '%s' "$value"
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
            *=*) value=$(bare "${line#*=}") ;;
            *) continue ;;
        esac
        case $name in
            AUTH0_DOMAIN | AUTH0_AUDIENCE | AUTH0_CA_FILE | CLIENT_ORIGIN_URL | PORT | CONF)
                # The real environment wins.
                eval "[ -n \"\${$name+set}\" ] || $name=\$value"
                ;;
        esac
    done <"$1"
}

# What CONF names: its routes, from open to restricted, and what the last one wants.
choose_api() {
    CONF=${CONF:-hello-world}
    case $CONF in
        hello-world)
            api_title='The Hello World API'
            api_port=6060 api_port_name=HELLO_WORLD_PORT
            api_public=/api/messages/public
            api_protected=/api/messages/protected
            api_restricted=/api/messages/admin
            api_grant_kind=permission api_grant=read:admin-messages
            ;;
        quickstart)
            api_title='The quickstart API'
            api_port=5000 api_port_name=QUICKSTART_PORT
            api_public=/api/public
            api_protected=/api/private
            api_restricted=/api/private-scoped
            api_grant_kind=scope api_grant=read:messages
            ;;
        *)
            fail "CONF is $CONF, but there is only hello-world and quickstart." 64
            ;;
    esac
}

# check_port DEFAULT
check_port() {
    PORT=${PORT:-$1}
    case $PORT in
        *[!0-9]* | ??????*) fail "PORT is $PORT, but must be a number from 1 to 65535." 64 ;;
    esac
    if [ "$PORT" -lt 1 ] || [ "$PORT" -gt 65535 ]; then
        fail "PORT is $PORT, but must be a number from 1 to 65535." 64
    fi
    url=http://localhost:$PORT
}

# Both variables of a tenant or none.
check_tenant_settings() {
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
}

# ------------------------------------------------------------------------------
# Development issuer: its name is the server's URL, its key and tokens are in $run/dev

# Make the key, unless there is one.
make_development_key() {
    [ ! -e "$run/dev/key.pem" ] || [ ! -e "$run/dev/jwks.json" ] || return 0
    rm -f "$run/dev"/*.new
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

# mint FILE [KIND GRANT]...: a token, valid for a day; KIND is permission or scope
mint() {
    file=$1
    shift
    left=$#
    while [ "$left" -gt 0 ]; do
        set -- "$@" "--$1" "$2"
        shift 2
        left=$((left - 2))
    done
    (
        umask 077
        "$tool" mint --key "$run/dev/key.pem" --iss "$url/" --aud "$url" \
            --sub 'auth0|dev-user' --expires-in 86400 "$@" >"$file"
    )
}

# ------------------------------------------------------------------------------
# httpd's configuration

# load_modules NAME...: some are compiled in, which ones depends on the distribution;
# LoadModule of one of those is fatal
load_modules() {
    compiled_in=$("$httpd" -l)
    for name; do
        case $name in
            # An MPM is named without "mod_"; there may be another one compiled in.
            mpm_event) pattern='(event|worker|prefork)' ;;
            *) pattern=mod_$name ;;
        esac
        if ! echo "$compiled_in" | grep -Eq "^ *$pattern\.c\$"; then
            echo "LoadModule ${name}_module \"$modules/mod_$name.so\""
        fi
    done
    echo "LoadModule auth0_jwt_module \"$module\""
}

# server_configuration NAME ERROR-LOG MODULE...: what a server of its own needs, whatever
# it serves; NAME is its pid file's
server_configuration() {
    echo "# Written by ${0##*/} at each start."
    echo "ServerRoot \"$run\""
    echo "DefaultRuntimeDir \"$run\""
    echo "PidFile \"$run/$1.pid\""
    echo "ServerName localhost"
    echo "ErrorLog \"$2\""
    echo "ErrorLogFormat \"[%{c}t] [%m:%l] [client\\ %a] %M\""
    echo "LogLevel warn auth0_jwt:info authz_core:crit"
    shift 2
    load_modules mpm_event unixd log_config watchdog authn_core authz_core authz_user \
        alias headers "$@"
    echo "<Directory />"
    echo "    AllowOverride None"
    echo "</Directory>"
    [ -z "$AUTH0_CA_FILE" ] || echo "Auth0CAFile \"$(realpath "$AUTH0_CA_FILE")\""
}

# Whom to trust instead of a tenant, for the whole server.
development_trust() {
    echo "Define AUTH0_DEV"
    echo "Auth0Issuer $url/ \"jwks=file:$run/dev/jwks.json\""
    echo "Auth0Audience $url"
}

# The sample API that CONF names.
sample_configuration() {
    [ -n "$AUTH0_DOMAIN" ] || development_trust
    echo "Define $api_port_name $PORT"
    echo "Include \"$top/conf/$CONF.conf\""
}

# ------------------------------------------------------------------------------
# What people see

# show STATUS EXPLANATION CURL-ARGUMENTS
show() {
    printf '  %s  %s\n       curl -i %s\n' "$1" "$2" "$3"
}

# bearer WORD: the argument that sends the token which the shell makes of WORD
bearer() {
    printf '%s' "-H \"Authorization: Bearer $1\""
}

# show_development TOKEN GRANT-TOKEN: every route with no token and with these words
show_development() {
    printf 'GET %s\n' "$api_public"
    show 200 'no token' "$url$api_public"
    show 200 'a token changes nothing' "$(bearer "$1") $url$api_public"
    show 200 "nor does $api_grant" "$(bearer "$2") $url$api_public"
    printf '\nGET %s\n' "$api_protected"
    show 401 'no token' "$url$api_protected"
    show 200 'any valid token' "$(bearer "$1") $url$api_protected"
    show 200 "also with $api_grant" "$(bearer "$2") $url$api_protected"
    printf '\nGET %s\n' "$api_restricted"
    show 401 'no token' "$url$api_restricted"
    show 403 "the $api_grant_kind is missing" "$(bearer "$1") $url$api_restricted"
    show 200 "with $api_grant" "$(bearer "$2") $url$api_restricted"
}

# How to get a token of the tenant.
show_token_request() {
    cat <<TEXT
Get a token, with the client of a machine-to-machine application:

  curl -s https://$AUTH0_DOMAIN/oauth/token -H 'Content-Type: application/json' -d '{"client_id":"CLIENT_ID","client_secret":"CLIENT_SECRET","audience":"$AUTH0_AUDIENCE","grant_type":"client_credentials"}'

Put its access_token into TOKEN (TOKEN=eyJ...), and try:

TEXT
}

# shellcheck disable=SC2016  # $TOKEN is for the shell of whoever pastes the line
show_tenant() {
    show_token_request
    show 200 'no token needed' "$url$api_public"
    show 200 'a valid token' "$(bearer '$TOKEN') $url$api_protected"
    show 200 "a token with $api_grant" "$(bearer '$TOKEN') $url$api_restricted"
}
