# shellcheck shell=sh disable=SC2034,SC2154  # set here and used there, or the other way
# httpd's configuration in a container, and what it says when it is up. To be sourced,
# after sample.sh and settings.sh.

# Whom to trust, for the sections of one virtual host.
trust() {
    if [ -n "$AUTH0_DOMAIN" ]; then
        echo "    Auth0Domain \"$AUTH0_DOMAIN\""
        echo "    Auth0Audience \"$AUTH0_AUDIENCE\""
    fi
}

# What every mode has. The query is not logged: somebody may put a token there.
common_configuration() {
    server_configuration httpd "$error_log" authz_host dir env mime proxy proxy_http \
        reqtimeout rewrite setenvif
    cat <<CONF
ServerTokens Prod
TraceEnable off
TypesConfig /etc/mime.types
RequestReadTimeout header=20-40,MinRate=500 body=20,MinRate=500
LogFormat "%a %u %t \\"%m %U %H\\" %>s %B" container
CustomLog "$access_log" container
CONF
    [ -z "$AUTH0_STATE_DIR" ] || echo "Auth0StateDir \"$AUTH0_STATE_DIR/keys\""
    [ -z "$AUTH0_DEV" ] || [ "$mode" = sample ] || development_trust
}

# For auth0-jwt-health: the token has the issuer's name and no signature that could hold,
# so that the answer tells whether there are keys.
health_configuration() {
    cat <<CONF
Listen 127.0.0.1:$HEALTH_PORT
<VirtualHost 127.0.0.1:$HEALTH_PORT>
    CustomLog /dev/null container
    LogLevel auth0_jwt:error
    ProxyPassInherit Off
    Auth0ErrorBody all
    AliasMatch "^/" "/nonexistent/mod_auth0_jwt"
CONF
    trust
    if [ -n "$AUTH0_DOMAIN$AUTH0_DEV" ]; then
        issuer=$url/
        [ -z "$AUTH0_DOMAIN" ] || issuer=https://$AUTH0_DOMAIN/
        header=$(printf '%s' '{"alg":"RS256","typ":"JWT"}' | base64 -w 0 | tr '+/' '-_' | tr -d =)
        payload=$(printf '%s' "{\"iss\":\"$issuer\"}" | base64 -w 0 | tr '+/' '-_' | tr -d =)
        cat <<CONF
    RequestHeader set Authorization "Bearer $header.$payload.bm8tc2lnbmF0dXJl" early
    <Location "/">
        AuthType Auth0
        Require valid-user
    </Location>
CONF
    else
        cat <<CONF
    <Location "/">
        Require all granted
    </Location>
CONF
    fi
    cat <<CONF
    <Location "/">
        SetHandler auth0-message
        Auth0Message "The server answers."
    </Location>
</VirtualHost>
CONF
}

cors() {
    [ -z "$CLIENT_ORIGIN_URL" ] || echo "    Auth0CORSOrigin \"$CLIENT_ORIGIN_URL\""
}

requirement() {
    echo "${AUTH0_PERMISSION:+auth0-permission }${AUTH0_PERMISSION:-valid-user}"
}

# A path counts as public only in its plainest spelling: what a back end might take for
# another path (..;/ and \ and %xx) stays protected.
public_paths() {
    set -f
    for path in $PUBLIC_PATHS; do
        pattern=$(printf '%s' "$path" | sed 's/[.]/\\./g')
        case $path in
            */) pattern="$pattern(?!\\.|.*/\\.)[A-Za-z0-9._~/@-]*" ;;
        esac
        echo "    <LocationMatch \"^$pattern\$\">"
        echo "        Require all granted"
        echo "    </LocationMatch>"
    done
    set +f
}

# ------------------------------------------------------------------------------
# A configuration for each mode

site_configuration() {
    echo "Listen $PORT"
    echo "<VirtualHost *:$PORT>"
    trust
    cors
    cat <<CONF
    DocumentRoot "$site"
    DirectoryIndex index.html
    # No .git, no .htaccess, no .env; .well-known is meant to be seen.
    RedirectMatch 404 "/\.(?!well-known(?:/|\$))"
    <Directory "$site">
        Options FollowSymLinks
        AllowOverride AuthConfig
        AuthType Auth0
        Require $(requirement)
    </Directory>
CONF
    public_paths
    echo "</VirtualHost>"
}

# The back end may move to another address. On public paths it gets no fields of a user, and
# those that a client made up are gone there, too.
proxy_configuration() {
    echo "Listen $PORT"
    echo "<VirtualHost *:$PORT>"
    trust
    cors
    cat <<CONF
    ProxyPass "/" "http://$back_end/" upgrade=websocket connectiontimeout=5 addressttl=10
    ProxyPreserveHost On
    <Location "/">
        AuthType Auth0
        Require $(requirement)
        Auth0PassHeaders sub=X-User permissions=X-Permissions
    </Location>
CONF
    public_paths
    echo "</VirtualHost>"
}

conf_configuration() {
    # A file that listens somewhere knows best where.
    if ! grep -Eiqs '^[[:space:]]*Listen[[:space:]]' "$conf_d"/*.conf; then
        echo "Listen $PORT"
    fi
    echo "Include \"$conf_d/*.conf\""
}

# ------------------------------------------------------------------------------
# What people see

# show_server: on standard output, for whoever looks at the log
show_server() {
    case $mode in
        sample) what=$api_title ;;
        site) what="The site in $site" ;;
        proxy) what="The way to http://$back_end" ;;
        conf.d) what="What the files in $conf_d describe" ;;
    esac
    if [ -n "$AUTH0_DEV" ]; then
        show_trial
    elif [ "$mode" = conf.d ]; then
        echo "$what is served (port $PORT, unless they say otherwise)."
    else
        echo "$what is on port $PORT, protected with $AUTH0_DOMAIN for the audience $AUTH0_AUDIENCE."
        [ "$mode" != sample ] || { echo "A console to try it with is on $url."; echo; show_tenant; echo; }
    fi
}

# With a development issuer. Its tokens are good for nothing else, and end with the
# container's key; so they may stand in the log, from where another terminal can have them.
show_trial() {
    cat <<TEXT

$what is on $url.$([ "$mode" != sample ] || printf '\n%s' "Open that in a browser, on this computer, to try it with its console.")

AUTH0_DEV=1: there is no tenant. It trusts a key that was made for this container, and
these tokens, which are valid for a day. Paste them into another terminal:

TOKEN=$(cat "$token")
GRANTED=$(cat "$grant_token")

TEXT
    # shellcheck disable=SC2016  # for the shell they are pasted into
    set -- '$TOKEN' '$GRANTED'
    if [ "$mode" = sample ]; then
        echo "and try (GRANTED has $api_grant):"
        echo
        show_development "$@"
    else
        echo "and try${AUTH0_PERMISSION:+ (GRANTED has $AUTH0_PERMISSION)}:"
        echo
        show 401 'no token' "$url/"
        if [ -n "$AUTH0_PERMISSION" ]; then
            show 403 'the permission is missing' "$(bearer "$1") $url/"
            show 200 "with $AUTH0_PERMISSION" "$(bearer "$2") $url/"
        else
            show 200 'any valid token' "$(bearer "$1") $url/"
        fi
    fi
    printf '\n%s\n\n' "To use a real tenant: set AUTH0_DOMAIN and AUTH0_AUDIENCE instead."
}
