#!/bin/bash
# Is the server well? The image's health check; also for a readiness probe.
#
# It asks a port that only the container itself reaches. There httpd judges a token that
# cannot be valid: refusing it takes the tenant's keys, and 503 says that there are none.
# So "healthy" is: the server answers, and it can judge a token now.
set -eu

port=${HEALTH_PORT:-6061}
port=${port//[!0-9]/}
if ! exec 3<>"/dev/tcp/127.0.0.1/$port"; then
    echo "The server does not answer on 127.0.0.1:$port."
    exit 1
fi 2>/dev/null
printf 'GET / HTTP/1.0\r\n\r\n' >&3
IFS=' ' read -r -t 4 _ status _ <&3 || status=none
case $status in
    401) echo "The server answers and can judge tokens." ;;
    [1-4][0-9][0-9]) echo "The server answers." ;;
    503) echo "The server answers, but has no keys of the tenant yet; its log says why."; exit 1 ;;
    *) echo "The server does not work: its answer is $status."; exit 1 ;;
esac
