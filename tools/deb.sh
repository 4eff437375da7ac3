#!/bin/sh
# Build the Debian source and binary packages of this tree, and let lintian judge them.
#
#   tools/deb.sh [FOLDER]
#
# They come to lie in FOLDER (build/deb) with all that was made on the way in
# FOLDER/source; the tree itself stays as it is. It builds what is tracked by git, as it
# is now.
set -eu

mkdir -p "${1:-$(dirname "$0")/../build/deb}"
folder=$(cd "${1:-$(dirname "$0")/../build/deb}" && pwd)
cd "$(dirname "$0")/.."

source=$(dpkg-parsechangelog -S Source)
full=$(dpkg-parsechangelog -S Version)
version=${full%-*}

rm -rf "$folder/source"
rm -f "$folder/$source"*
tarball=$(tools/dist.sh "$folder/source")
mv "$tarball" "$folder/source/${source}_$version.orig.tar.gz"
tar -xzf "$folder/source/${source}_$version.orig.tar.gz" -C "$folder/source"
cp -R debian "$folder/source/mod_auth0_jwt-$version/"

cd "$folder/source/mod_auth0_jwt-$version"
# The flags are Debian's: nothing of the make or of the shell that called this.
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u CFLAGS -u CPPFLAGS -u LDFLAGS \
    -u AUTH0_JWT_VECTORS dpkg-buildpackage -us -uc >"$folder/source/build.log" 2>&1 || {
    tail -n 40 "$folder/source/build.log" >&2
    echo "dpkg-buildpackage failed; all it said is in $folder/source/build.log" >&2
    exit 1
}

cd "$folder/source"
changes=$(echo "${source}_${full}"_*.changes)
sed -n '/^Files:/,$ s/^ .* //p' "$changes" | xargs mv -t "$folder"
mv "$changes" "$folder"
cd "$folder"
lintian --allow-root --pedantic --display-info --fail-on error,warning "$changes"
printf '%s\n' "$folder"/*.deb
