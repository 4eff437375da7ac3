# bash completion for auth0-jwt; made by: auth0-jwt completion bash

_auth0_jwt() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    local commands="inspect verify explain jwks doctor keygen mint completion help" options=
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "$commands --version --help" -- "$word")
        return
    fi
    case $before in
        --alg)
            mapfile -t COMPREPLY < <(compgen -W "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA HS256 HS384 HS512" -- "$word")
            return
            ;;
        --profile)
            mapfile -t COMPREPLY < <(compgen -W "auto rfc9068" -- "$word")
            return
            ;;
        --token-file | --jwks | --secret | --config | --httpd | --ca-file | --key)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            return
            ;;
    esac
    case ${COMP_WORDS[1]} in
        help)
            mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word")
            return
            ;;
        inspect)
            options="--token-file --json --help"
            ;;
        verify)
            options="--domain --jwks --secret --issuer --audience --alg --leeway --profile --user-claim --permission --scope --config --path --server --method --httpd --ca-file --proxy --token-file --json --help"
            ;;
        explain)
            options="--domain --jwks --secret --issuer --audience --alg --leeway --profile --user-claim --permission --scope --config --path --server --method --httpd --ca-file --proxy --token-file --json --reason --help"
            ;;
        jwks)
            options="--ca-file --proxy --json --help"
            ;;
        doctor)
            options="--audience --token --token-file --ca-file --proxy --leeway --json --help"
            ;;
        keygen)
            options="--key --jwks --alg --kid --bits --json --help"
            ;;
        mint)
            options="--key --alg --kid --iss --aud --sub --permission --scope --claim --header --expires-in --help"
            ;;
        completion)
            options="--help"
            ;;
    esac
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}

complete -o filenames -F _auth0_jwt auth0-jwt
