#!/bin/sh
# Build the container image with no registry and test it: what `make image-test` calls.
#
#   tests/image/run.sh [--cached | --no-build] [PYTEST-OPTION...]
#
# It builds twice, without what an earlier build left and with it, and says how long that
# took; --cached leaves out the first, --no-build both.
#
# The base image is made by mmdebstrap from this machine's own Debian sources, once a week.
# Podman has its storage and settings in build/image/ and a temporary folder, and
# touches nobody's images. The tests run in a network namespace of their own, so that
# servers in containers listen to nobody but them.
set -eu

cd "$(dirname "$0")/../.."
store=$(pwd)/build/image
base=$store/base.tar
BASE=docker.io/library/debian:bookworm-slim
TAG=mod-auth0-jwt
PYTHON=${PYTHON:-/usr/bin/python3}

if [ "$(id -u)" != 0 ]; then
    echo "image-test needs root: it mounts file systems and makes a network namespace." >&2
    exit 1
fi

builds='cold cached'
case ${1-} in
    --cached) builds=cached; shift ;;
    --no-build) builds=; shift ;;
esac

# ------------------------------------------------------------------------------
# Podman's own world: storage that stays, and everything else for this run only.

# Podman's data base stands in its storage, where the process finds it that cleans up after
# a container; it names the folders of one run.
mkdir -p "$store/storage"
rm -rf "$store/storage/libpod"
work=$(mktemp -d /tmp/auth0-jwt-image.XXXXXX)
clean_up() {
    podman rm -fa -t 0 >/dev/null 2>&1 || :
    # The driver mounts its folder onto itself; then no `make clean` could remove it.
    umount "$store/storage/overlay" 2>/dev/null || :
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

# runc with cgroupfs does without systemd; limits that are written out, because those that
# podman takes over from its caller may be more than it may grant.
cat >"$work/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=20000:20000"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "$work/tmp"
volume_path = "$work/volumes"
[network]
network_backend = "netavark"
network_config_dir = "$work/networks"
CONF
cat >"$work/storage.conf" <<CONF
[storage]
driver = "overlay"
graphroot = "$store/storage"
runroot = "$work/run"
CONF
export CONTAINERS_CONF="$work/containers.conf" CONTAINERS_STORAGE_CONF="$work/storage.conf"

# ------------------------------------------------------------------------------
# The base image: what debian:bookworm-slim is, small parts left out as there.

# The Debian sources of this machine, and what apt was told about reaching them.
# shellcheck disable=SC2016  # these are apt's own
debian_sources() {
    apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
        'Identifier: Packages' 'Origin: Debian' | grep ' bookworm' | sort -u
}

make_base() {
    debian_sources >"$work/sources.list"
    apt-config dump --format '%F "%v";%n' Acquire | grep -Ei '^Acquire::(check-|https?::)' \
        >"$work/apt.conf" || :
    # Where apt goes through https, it needs this machine's certificate authorities.
    certificates=
    if grep -Eiq 'https:' "$work/sources.list" "$work/apt.conf"; then
        # shellcheck disable=SC2016  # mmdebstrap's shell knows $1
        certificates='mkdir -p "$1/etc/ssl/certs" && cp /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/"'
    fi
    mmdebstrap --quiet --variant=minbase --mode=root \
        --aptopt="$work/apt.conf" --setup-hook="${certificates:-true}" \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/info/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        bookworm "$work/base.tar" "$work/sources.list"
    mv "$work/base.tar" "$base"
}

if [ -n "$builds" ]; then
    start=$(date +%s)
    if [ -z "$(find "$base" -mtime -7 2>/dev/null)" ]; then
        echo "Making the base image from Debian's packages ..."
        make_base
        echo "The base image took $(($(date +%s) - start)) s."
    fi
    # The same file makes the same image, but for its date, on which the cache depends.
    if [ "$(cat "$store/imported" 2>/dev/null)" != "$(stat -c %Y "$base")" ] ||
            ! podman image exists "$BASE"; then
        podman import "$base" "$BASE" >/dev/null 2>&1
        stat -c %Y "$base" >"$store/imported"
    fi
fi

# ------------------------------------------------------------------------------
# The image itself, cold and cached

# timed WHAT OPTION...
timed() {
    what=$1
    shift
    start=$(date +%s.%N)
    if ! TAG=$TAG tools/image.sh --network host --pull=never "$@" >"$work/build.log" 2>&1; then
        cat "$work/build.log" >&2
        echo "The image could not be built ($what)." >&2
        exit 1
    fi
    printf 'Built %s in %.1f s.\n' "$what" \
        "$(echo "$(date +%s.%N) $start" | awk '{ print $1 - $2 }')"
}

for how in $builds; do
    case $how in
        cold) timed cold --no-cache ;;
        cached) timed cached --layers ;;
    esac
done
if [ -n "$builds" ]; then
    podman image prune -f >/dev/null 2>&1
fi
podman image inspect "$TAG" "$BASE" --format '{{index .RepoTags 0}} {{.Size}}' |
    awk '{ printf "Size of %s: %.1f MB\n", $1, $2 / 1e6 }'

# What is asked for, or all tests.
case " $*" in
    *" tests/"*) ;;
    *) set -- "$@" tests/image ;;
esac
AUTH0_JWT_IMAGE=localhost/$TAG unshare --net sh -c \
    'ip link set lo up && exec "$@"' sh "$PYTHON" -m pytest -q "$@"
