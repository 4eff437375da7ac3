#!/bin/sh
# Build the source and binary RPM packages of this tree.
#
#   tools/rpm.sh [FOLDER]
#
# They come to lie in FOLDER (build/rpm) below SRPMS and RPMS. Where httpd-devel and rpm
# are not of one kind, as on Debian, it says itself where httpd keeps things and does not
# ask for packages by the names that Fedora gives them; such a package shows that the
# spec builds and is complete, and is for no other system.
set -eu

mkdir -p "${1:-$(dirname "$0")/../build/rpm}"
folder=$(cd "${1:-$(dirname "$0")/../build/rpm}" && pwd)
cd "$(dirname "$0")/.."
apxs=${APXS:-apxs}

for name in BUILD BUILDROOT RPMS SOURCES SPECS SRPMS build.log; do
    rm -rf "${folder:?}/$name"
done
mkdir -p "$folder/SOURCES"
tools/dist.sh "$folder/SOURCES" >/dev/null

set -- --define "_topdir $folder"
if [ -z "$(rpm --eval '%{?_httpd_moddir}')" ]; then
    header=$("$apxs" -q INCLUDEDIR)/ap_mmn.h
    set -- "$@" --nodeps \
        --define "_httpd_apxs $(command -v "$apxs")" \
        --define "_httpd_moddir $("$apxs" -q LIBEXECDIR)" \
        --define "_httpd_modconfdir /etc/httpd/conf.modules.d" \
        --define "_httpd_confdir /etc/httpd/conf.d" \
        --define "_httpd_mmn $(sed -nE 's/^#define MODULE_MAGIC_NUMBER_MAJOR ([0-9]+)$/\1/p' "$header")" \
        --define "_sharedstatedir /var/lib"
fi

# The flags are the system's: nothing of the make or of the shell that called this.
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u CFLAGS -u CPPFLAGS -u LDFLAGS \
    -u AUTH0_JWT_VECTORS rpmbuild "$@" -ba packaging/mod_auth0_jwt.spec \
    >"$folder/build.log" 2>&1 || {
    tail -n 40 "$folder/build.log" >&2
    echo "rpmbuild failed; all it said is in $folder/build.log" >&2
    exit 1
}
find "$folder/SRPMS" "$folder/RPMS" -name '*.rpm'
