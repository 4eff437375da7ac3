#!/bin/sh
# Build the container image: what `make -f Makefile.apxs image` calls.
#
#   TAG=mod-auth0-jwt tools/image.sh [OPTION...]
#
# With docker if its daemon answers, else with podman; options are for their `build`.
set -eu

cd "$(dirname "$0")/.."
TAG=${TAG:-mod-auth0-jwt}
version=$(sed -n 's/^#define AUTH0_JWT_VERSION "\(.*\)"$/\1/p' src/version.h)

set -- --build-arg "VERSION=$version" -t "$TAG" "$@" .
if docker info >/dev/null 2>&1; then
    exec docker build "$@"
elif command -v podman >/dev/null; then
    # The other format has no place for a health check.
    exec podman build --format docker "$@"
fi
echo "There is neither a docker daemon nor podman. Install one: apt-get install podman" >&2
exit 1
