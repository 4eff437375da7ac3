# shellcheck shell=sh disable=SC2154  # sample.sh and the script that sources it set these
# The console of a sample API (conf/console): the facts it shows and its development
# tokens. To be sourced after sample.sh, by tools/run.sh and the image's entry point; it
# defines functions and does nothing by itself.

# json TEXT: as a JSON string; control characters have no business in a setting
json() {
    printf '"%s"' "$(printf '%s' "$1" | tr -d '\000-\037\177' | sed 's/["\\]/\\&/g')"
}

# console_token NAME NOTE MINT-OPTION...: one entry of the list of tokens
console_token() {
    entry="{\"name\": $(json "$1"), \"note\": $(json "$2")"
    shift 2
    minted=$("$tool" mint --key "$run/dev/key.pem" --iss "$url/" --sub 'auth0|dev-user' "$@")
    printf '  %s, "token": "%s"}' "$entry" "$minted"
}

console_tokens() {
    now=$(date +%s)
    printf '[\n'
    console_token 'Development token' 'Valid for a day; grants nothing more.' --aud "$url"
    printf ',\n'
    console_token "Development token with $api_grant" 'Valid for a day.' --aud "$url" \
        "--$api_grant_kind" "$api_grant"
    printf ',\n'
    console_token 'Expired token' 'Properly signed, and too old.' --aud "$url" \
        "--$api_grant_kind" "$api_grant" \
        --claim "iat=$((now - 90000))" --claim "exp=$((now - 3600))"
    printf ',\n'
    console_token 'Token for another audience' 'Properly signed, for https://other.example.com.' \
        --aud https://other.example.com "--$api_grant_kind" "$api_grant"
    printf '\n]\n'
}

# What anybody may know who reaches the API.
console_facts() {
    if [ -n "$AUTH0_DOMAIN" ]; then
        # The module takes a domain in any case, and compares the issuer in lower case.
        issuer="https://$(printf '%s' "$AUTH0_DOMAIN" | tr '[:upper:]' '[:lower:]')/"
        audience=$AUTH0_AUDIENCE development=false keys=
    else
        issuer=$url/ audience=$url development=true
        keys=$(cat "$run/dev/jwks.json")
    fi
    cat <<TEXT
{
  "title": $(json "$api_title"),
  "issuer": $(json "$issuer"),
  "audience": $(json "$audience"),
  "development": $development,
  "jwks": ${keys:-null},
  "routes": [
    {"path": $(json "$api_public"), "needs": "nothing"},
    {"path": $(json "$api_protected"), "needs": "token"},
    {"path": $(json "$api_restricted"), "needs": $(json "$api_grant_kind"), "name": $(json "$api_grant")}
  ]
}
TEXT
}

# write_console GROUP: lay down the console's files. GROUP is that of workers that run as
# another user, or empty; they and the user read the tokens, nobody else does.
write_console() {
    console_files=$run/$CONF-$PORT-console
    console_facts >"$console_files.json"
    rm -f "$console_files-tokens.json"
    [ -z "$AUTH0_DOMAIN" ] || return 0
    (
        umask 077
        console_tokens >"$console_files-tokens.json"
    )
    [ -z "$1" ] || chgrp "$1" "$console_files-tokens.json"
    [ -z "$1" ] || chmod 640 "$console_files-tokens.json"
}

# console_configuration loopback|published: what makes the sample APIs serve it; comes
# before sample_configuration. Published: requests of the user's computer do not come from
# a loopback address, as in a container with a published port.
console_configuration() {
    echo "Define AUTH0_CONSOLE \"$top/conf/console\""
    echo "Define AUTH0_CONSOLE_FACTS \"$console_files.json\""
    [ "$1" != published ] || echo "Define AUTH0_CONSOLE_PUBLISHED"
    [ -n "$AUTH0_DOMAIN" ] || echo "Define AUTH0_CONSOLE_TOKENS \"$console_files-tokens.json\""
}
