# shellcheck shell=sh disable=SC2034,SC2154  # set here and used there, or the other way
# The settings of a container: what `docker run -e` gives, checked. To be sourced, after
# sample.sh.
#
# Each check ends in a sentence that says what to write, and in exit status 64, because a
# server with half of its settings would protect less than was meant. What is let through
# holds nothing that means something in httpd's configuration.

# Of --env-file, unlike .env elsewhere, quotes and comments are part of the value: forgive
# them. Then name what is empty, as what is not set is.
read_settings() {
    permission_given=${AUTH0_PERMISSION+1}
    for name in AUTH0_DOMAIN AUTH0_AUDIENCE AUTH0_CA_FILE AUTH0_STATE_DIR AUTH0_DEV \
            AUTH0_PERMISSION CLIENT_ORIGIN_URL CONF PORT HEALTH_PORT PROXY_TO PUBLIC_PATHS \
            STOP_SECONDS; do
        eval "$name=\$(bare \"\${$name-}\") value=\$$name"
        case $value in
            *[[:cntrl:]]*) fail "$name has a line end or another control character in it." 64 ;;
        esac
    done
    export AUTH0_DOMAIN AUTH0_AUDIENCE CLIENT_ORIGIN_URL
}

# What the server is for: conf.d, proxy, site or sample.
choose_mode() {
    mode=sample
    [ ! -d "$site" ] || mode=site
    if [ -n "$PROXY_TO" ]; then
        [ "$mode" != site ] || fail "PROXY_TO is set, but there is a site in $site, too: choose one." 64
        mode=proxy
    fi
    if [ -d "$conf_d" ]; then
        [ "$mode" != proxy ] || fail "PROXY_TO is set, but the files in $conf_d decide what is served: choose one." 64
        mode=conf.d
        # An empty folder, or one of somebody else's, was meant to say something.
        set -- "$conf_d"/*.conf
        [ -e "$1" ] || fail "There is no file in $conf_d that ends in .conf and that user $(id -u) can see: mount one, or none of the folder." 64
    fi
    case $mode in
        sample | conf.d)
            where="but only with PROXY_TO or a site in $site does it say what is protected"
            [ -z "$AUTH0_PERMISSION" ] || fail "AUTH0_PERMISSION is set, $where." 64
            [ -z "$PUBLIC_PATHS" ] || fail "PUBLIC_PATHS is set, $where." 64
            ;;
    esac
}

# only ALLOWED VALUE: whether VALUE is made of such characters, one of them at least
only() {
    case $2 in
        '') return 1 ;;
        *[!$1]*) return 1 ;;
    esac
}

check_trust() {
    case $AUTH0_DEV in
        '' | 0) AUTH0_DEV= ;;
        1)
            [ -z "$AUTH0_DOMAIN$AUTH0_AUDIENCE" ] ||
                fail "AUTH0_DEV=1 is for a server without a tenant: remove it, or AUTH0_DOMAIN and AUTH0_AUDIENCE." 64
            [ -z "$AUTH0_STATE_DIR$AUTH0_CA_FILE" ] ||
                fail "AUTH0_DEV=1 fetches no keys: remove it, or AUTH0_CA_FILE and AUTH0_STATE_DIR." 64
            return
            ;;
        *) fail "AUTH0_DEV is $AUTH0_DEV, but must be 1 or left out." 64 ;;
    esac
    if [ -z "$AUTH0_DOMAIN$AUTH0_AUDIENCE" ] && [ "$mode" != conf.d ]; then
        fail "Set AUTH0_DOMAIN (the tenant's domain) and AUTH0_AUDIENCE (the API's identifier), or AUTH0_DEV=1 to try it without a tenant." 64
    fi
    check_tenant_settings
    [ -z "$AUTH0_DOMAIN" ] || only 'A-Za-z0-9.:-' "$AUTH0_DOMAIN" ||
        fail "AUTH0_DOMAIN is $AUTH0_DOMAIN, but must be one domain, such as tenant.us.auth0.com." 64
    case $AUTH0_AUDIENCE in
        *[[:space:]\"\'\\\$]*)
            fail "AUTH0_AUDIENCE is $AUTH0_AUDIENCE, but must be one identifier, without spaces, quotes, \\ and \$." 64
            ;;
    esac
}

check_ports() {
    check_port "$1"
    HEALTH_PORT=${HEALTH_PORT:-6061}
    case $HEALTH_PORT in
        *[!0-9]* | ??????* | 0*) fail "HEALTH_PORT is $HEALTH_PORT, but must be a number from 1 to 65535." 64 ;;
        "$PORT") fail "PORT and HEALTH_PORT are both $PORT: choose another HEALTH_PORT." 64 ;;
    esac
    [ "$HEALTH_PORT" -le 65535 ] ||
        fail "HEALTH_PORT is $HEALTH_PORT, but must be a number from 1 to 65535." 64
}

# Less than the ten seconds after which `docker stop` loses its patience.
check_patience() {
    STOP_SECONDS=${STOP_SECONDS:-8}
    case $STOP_SECONDS in
        *[!0-9]* | ?????*) fail "STOP_SECONDS is $STOP_SECONDS, but must be a number of seconds." 64 ;;
    esac
}

check_files() {
    if [ -n "$AUTH0_CA_FILE" ] && ! is_plain_file "$AUTH0_CA_FILE"; then
        fail "AUTH0_CA_FILE is $AUTH0_CA_FILE, but there is no such file in the container that user $(id -u) can read: mount it." 64
    fi
    if [ -n "$AUTH0_STATE_DIR" ] && ! make_state_folder; then
        fail "AUTH0_STATE_DIR is $AUTH0_STATE_DIR, but there is no such folder in the container that user $(id -u) can write to: mount a volume." 64
    fi
}

is_plain_path() { only 'A-Za-z0-9./_@+-' "$1"; }
is_plain_file() { is_plain_path "$1" && [ -f "$1" ] && [ -r "$1" ]; }

# A folder of our own in it, because a volume is often open to everyone.
make_state_folder() {
    is_plain_path "$AUTH0_STATE_DIR" && [ -d "$AUTH0_STATE_DIR" ] || return 1
    keys=$AUTH0_STATE_DIR/keys
    [ -d "$keys" ] || mkdir -m 700 "$keys" 2>/dev/null || return 1
    [ -w "$keys" ]
}

# One origin; the module has the last word.
check_origin() {
    case $CLIENT_ORIGIN_URL in
        '') return ;;
        http://*/ | https://*/)
            fail "CLIENT_ORIGIN_URL must be a bare origin: write CLIENT_ORIGIN_URL=${CLIENT_ORIGIN_URL%/}" 64
            ;;
        http://?* | https://?*) only ']A-Za-z0-9.:[-' "${CLIENT_ORIGIN_URL#*://}" && return ;;
    esac
    fail "CLIENT_ORIGIN_URL is $CLIENT_ORIGIN_URL, but must be one origin, such as http://localhost:4040." 64
}

# A back end is a host and perhaps a port; its paths are those of the request.
check_proxy() {
    back_end=${PROXY_TO#http://}
    back_end=${back_end%/}
    case $PROXY_TO in
        https://*)
            fail "PROXY_TO is $PROXY_TO, but the back end must be reached by http://; a file in $conf_d can do what this setting cannot." 64
            ;;
        http://*) ;;
        *) fail "PROXY_TO is $PROXY_TO, but must be like http://app:3000." 64 ;;
    esac
    case $back_end in
        */*) fail "PROXY_TO is $PROXY_TO, but must have no path: write PROXY_TO=http://${back_end%%/*}" 64 ;;
    esac
    only ']A-Za-z0-9.:_[-' "$back_end" || fail "PROXY_TO is $PROXY_TO, but must be like http://app:3000." 64
    case $back_end in
        *:"$PORT")
            case ${back_end%:*} in
                localhost | 127.0.0.1) fail "PROXY_TO is $PROXY_TO, which is this server itself: name the back end." 64 ;;
            esac
            ;;
    esac
}

# Words; each is a permission that a token must have.
check_permissions() {
    if [ -z "$AUTH0_PERMISSION" ]; then
        # Such as a variable of compose that is not set.
        [ -z "$permission_given" ] ||
            fail "AUTH0_PERMISSION is set, but empty: name a permission, or leave it out to let any valid token in." 64
        return 0
    fi
    only "A-Za-z0-9 :./_*+=@,-" "$AUTH0_PERMISSION" ||
        fail "AUTH0_PERMISSION is $AUTH0_PERMISSION, but must be permissions with spaces between them, such as read:admin-messages." 64
}

# Words; each is a path, or with a slash at its end a folder.
check_public_paths() {
    case " $PUBLIC_PATHS " in
        *' / '*) fail "PUBLIC_PATHS has /, which would open everything: name what is public." 64 ;;
    esac
    set -f
    for path in $PUBLIC_PATHS; do
        only 'A-Za-z0-9._~/-' "$path" || path=
        case $path in
            '' | [!/]* | *//* | */.*)
                fail "PUBLIC_PATHS is $PUBLIC_PATHS, but must be plain paths with spaces between them, such as /health /assets/." 64
                ;;
        esac
    done
    set +f
}
