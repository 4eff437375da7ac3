#!/bin/sh
# Install what is missing to build, run or test the module.
#
#   tools/setup.sh [--check] PURPOSE
#
# PURPOSE is build, run, test or another target of Makefile.apxs: see the end.
#
# Does nothing, quickly, when all is there. Otherwise it installs Debian packages
# with apt-get when it is root or may use sudo without a password; if not, or with
# --check, it prints the one line to type and fails.
#
# What counts is the thing itself (a program, a library, a Python module), not the
# package: another package or a local build may bring it. Never the package
# apache2, which starts a service on port 80; apache2-bin does not.
set -eu

check_only=
if [ "${1-}" = --check ]; then
    check_only=1
    shift
fi
purpose=${1-}

# Programs of the system folders are used although a user's PATH leaves them out.
PATH=$PATH:/usr/sbin:/sbin

missing=
promtool_missing=

# want PACKAGE CHECK...: note PACKAGE as missing when CHECK fails.
want() {
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}

program() { command -v "$1"; }
server() { command -v apache2 || command -v httpd; }
installed() { dpkg-query -W -f '${db:Status-Status}' "$1" | grep -qx installed; }
library() { pkg-config --exists "$1"; }
fuzzer_runtime() {
    echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
        clang -fsanitize=fuzzer,address -x c -o /dev/null -
}
debian_12() { grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release; }
python_module() { /usr/bin/python3 -c "import $1"; }
httpd_module() {
    test -e "$(apxs -q LIBEXECDIR 2>/dev/null || echo /usr/lib/apache2/modules)/$1.so"
}
debian_keys() { ls /usr/share/keyrings/debian-archive-trixie-stable.*; }
faketime_library() { ls /usr/lib/*/faketime/libfaketimeMT.so.1; }

# Debian 13 has a package promtool. Debian 12 has it in prometheus, which starts a service,
# so the package is only taken apart.
want_promtool() {
    program promtool >/dev/null || [ -x build/promtool ] || promtool_missing=1
}

fetch_promtool() {
    folder=$(mktemp -d)
    if (cd "$folder" && { apt-get download promtool || apt-get download prometheus; }) \
            >"$folder/log" 2>&1 &&
        dpkg-deb --fsys-tarfile "$folder"/prom*.deb >"$folder/tar" &&
        tar -x -O -f "$folder/tar" ./usr/bin/promtool >"$folder/promtool"; then
        mkdir -p build
        chmod +x "$folder/promtool"
        mv "$folder/promtool" build/promtool
        rm -rf "$folder"
    else
        cat "$folder/log" >&2
        rm -rf "$folder"
        echo "Cannot fetch promtool. To try again by hand:" \
            "sudo apt-get update && apt-get download prometheus" >&2
        exit 1
    fi
}

want_build() {
    want apache2-dev          program apxs
    want gcc                  program gcc
    want libc6-dev            test -e /usr/include/stdio.h
    want pkg-config           program pkg-config
    want libapr1-dev          program apr-1-config
    want libaprutil1-dev      program apu-1-config
    want libcjson-dev         library libcjson
    want libcurl4-openssl-dev library libcurl
    want libssl-dev           library libcrypto
}

want_run() {
    want_build
    want apache2-bin          server
    want curl                 program curl
    want ca-certificates      test -e /etc/ssl/certs/ca-certificates.crt
}

want_test() {
    want_run
    want check                library check
    want valgrind             program valgrind
    want clang-format         program clang-format
    want shellcheck           program shellcheck
    want openssl              program openssl
    want nodejs               program node
    want npm                  program npm
    want libfaketime          faketime_library
    want libapache2-mod-auth-openidc httpd_module mod_auth_openidc
    want libapache2-mod-oauth2 httpd_module mod_oauth2
    want php-cgi              program php-cgi
    want groff-base           program groff
    want mandoc               program mandoc
    want zsh                  program zsh
    want fish                 program fish
    want python3              test -x /usr/bin/python3
    for name in pytest requests jwcrypto cryptography trustme hypothesis h2 flask jwt; do
        want "python3-$name"  python_module "$name"
    done
    # Debian 13 has none, and skips the tests that need it.
    ! debian_12 || want python3-jose python_module jose
    want_promtool
}

want_fuzz() {
    want_build
    want clang                program clang
    want libclang-rt-dev      fuzzer_runtime
}

want_analyze() {
    want_build
    want clang-tidy           program clang-tidy
    want cppcheck             program cppcheck
}

want_coverage() {
    want_test
    want gcovr                program gcovr
}

want_browser() {
    want_run
    want chromium             program chromium
    want openssl              program openssl
    want nodejs               program node
    want npm                  program npm
}

# The module's rivals, and what puts load on them.
want_bench() {
    want_test
    want wrk                          program wrk
    want gunicorn                     program gunicorn
}

# Roots of other Debian releases.
want_roots() {
    want mmdebstrap             program mmdebstrap
    want debian-archive-keyring debian_keys
    want util-linux             program unshare
    want git                    program git
}

# What debian/control asks for, which dpkg takes by the package's name, and lintian.
want_deb() {
    for name in apache2-dev build-essential check debhelper libcjson-dev \
            libcurl4-openssl-dev libssl-dev pkgconf; do
        want "$name"            installed "$name"
    done
    want dpkg-dev               program dpkg-buildpackage
    want lintian                program lintian
}

want_rpm() {
    want_build
    want check                  library check
    want rpm                    program rpmbuild
}

# The tests of what both make.
want_packages() {
    want_deb
    want_rpm
    want_roots
    want rpmlint                program rpmlint
    want man-db                 program man
    want shellcheck             program shellcheck
    want python3                test -x /usr/bin/python3
    for name in pytest jwcrypto cryptography trustme; do
        want "python3-$name"    python_module "$name"
    done
}

# A base image with no registry, and containers with a network of their own.
want_image() {
    want_test
    want podman               program podman
    want runc                 program runc
    want netavark             test -x /usr/lib/podman/netavark
    want iptables             program iptables
    want iproute2             program ip
    want mmdebstrap           program mmdebstrap
}

case $purpose in
    build) want_build ;;
    run) want_run ;;
    test) want_test ;;
    format) want clang-format program clang-format ;;
    fuzz) want_fuzz ;;
    analyze) want_analyze ;;
    coverage) want_coverage ;;
    browser) want_browser ;;
    bench) want_bench ;;
    roots) want_roots ;;
    deb) want_deb ;;
    rpm) want_rpm ;;
    packages) want_packages ;;
    image) want_image ;;
    *)
        echo "usage: tools/setup.sh [--check] PURPOSE, which is one of:" \
            "$(sed -nE 's/^    ([a-z]+)\) want.*/\1/p' "$0" | xargs)" >&2
        exit 64
        ;;
esac

[ -n "$missing$promtool_missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"

if [ -n "$check_only" ]; then
    echo "Missing:$missing${promtool_missing:+ promtool}. Run: make -f Makefile.apxs setup" >&2
    exit 1
fi
if ! command -v apt-get >/dev/null; then
    echo "Please install what these Debian packages bring:$missing" \
        "${promtool_missing:+prometheus (promtool alone)}" >&2
    exit 1
fi
if [ -z "$missing" ]; then
    echo "Fetching: promtool"
    [ "$(id -u)" != 0 ] || apt-get update >/dev/null 2>&1 || true
    fetch_promtool
    exit 0
fi

if [ "$(id -u)" = 0 ]; then
    as_root=
elif sudo -n true 2>/dev/null; then
    as_root=sudo
else
    echo "Something is missing, and only an administrator can install it. Please type:" >&2
    echo "sudo apt-get update && sudo $install" >&2
    exit 1
fi

echo "Installing:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# The output of apt-get is of interest only when it fails.
apt() {
    if ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get "$@" >"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        echo "apt-get failed. To try again by hand: ${as_root:+sudo }$install" >&2
        exit 1
    fi
}

apt update
# shellcheck disable=SC2086  # a list of package names
apt install -y --no-install-recommends $missing
[ -z "$promtool_missing" ] || fetch_promtool
