#!/bin/sh
# Run one fuzzer for some seconds, from the top of the tree.
#
#   tools/fuzz.sh NAME SECONDS
#
# What it learns goes to build/fuzz/corpus/NAME, so that the next run goes on from
# there; an input that breaks a rule goes to build/fuzz/findings. Such an input is to
# be copied to tests/fuzz/corpus/NAME, where `replay` runs it for ever.
set -eu

name=$1
seconds=$2
learned=build/fuzz/corpus/$name
findings=build/fuzz/findings
dictionary=tests/fuzz/$name.dict

# Bytes of the longest input: what the code behind it takes, and a little more.
case $name in
    bearer | claims | directives | requirements | token_source) length=2048 ;;
    jwt) length=8400 ;;
    base64url) length=1024 ;;
    jwks) length=16384 ;;
    *) length=4096 ;;
esac

mkdir -p "$learned" "$findings"
set -- -max_total_time="$seconds" -max_len="$length" -timeout=10 -print_final_stats=1 \
    -artifact_prefix="$findings/$name-"
[ ! -e "$dictionary" ] || set -- "$@" -dict="$dictionary"
exec "build/fuzz/fuzz_$name" "$@" "$learned" "tests/fuzz/corpus/$name"
