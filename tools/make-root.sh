#!/bin/sh
# Make a minimal root of a Debian release, as a tar (needs root).
#
#   tools/make-root.sh SUITE FILE.tar [PACKAGES]
#   tools/make-root.sh trixie build/roots/trixie.tar make,git
#
# It has ca-certificates and PACKAGES beside what every Debian has, and takes this
# machine's way to packages along: the mirrors and settings of apt, and certificates.
# The file is its owner's alone.
set -eu

if [ $# -lt 2 ]; then
    echo "usage: tools/make-root.sh SUITE FILE.tar [PACKAGES]" >&2
    exit 64
fi
suite=$1
tar=$2
packages=ca-certificates${3:+,$3}

# Beside the file: the root is too big for some machines' /tmp.
work=$(mktemp -d "$tar.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The lines of sources.list that get SUITE from where this machine gets its own release.
# Other repositories than Debian's are left out: they may have nothing for SUITE.
sources() {
    command -v apt-get >/dev/null || return 0
    here=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    mkdir -p "$work/lists/partial"
    set -- -o "Dir::State::Lists=$work/lists" -o Dir::Cache::pkgcache= \
        -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root
    apt-get "$@" -qq update >&2
    # shellcheck disable=SC2016  # apt's own variables
    apt-get "$@" indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
        'Identifier: Packages' 'Origin: Debian' |
        sed -nE "s#^([^ ]+) $here((-updates|-security|/updates)? main)\$#deb \1 $suite\2#p" |
        sort -u
}

sources >"$work/sources.list"
# Proxies, certificates, how old an index may be.
apt-config dump Acquire 2>/dev/null |
    grep -E '^Acquire::(https?|Check-|Retries|ForceIPv)' >"$work/apt.conf" || :
# Without a line mmdebstrap takes Debian's own mirror.
set -- "$work/root.tar"
[ ! -s "$work/sources.list" ] || set -- "$@" "$work/sources.list"
# shellcheck disable=SC2016  # mmdebstrap's hooks see the root as $1
mmdebstrap --quiet --mode=root --format=tar --variant=minbase \
    --include="$packages" --aptopt="$work/apt.conf" \
    --setup-hook='for file in /etc/apt/auth.conf /etc/apt/auth.conf.d; do
        [ ! -e "$file" ] || cp -R "$file" "$1/etc/apt/"; done' \
    --customize-hook='[ ! -d /usr/local/share/ca-certificates ] ||
        cp -RL /usr/local/share/ca-certificates "$1/usr/local/share/"' \
    --customize-hook='chroot "$1" update-ca-certificates >/dev/null' \
    "$suite" "$@" || {
    echo "mmdebstrap did not make a root of $suite from: $(cat "$work/sources.list")" >&2
    exit 1
}
# The way to packages may have a password in it.
chmod 600 "$work/root.tar"
mv "$work/root.tar" "$tar"
