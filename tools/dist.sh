#!/bin/sh
# Make the release tarball, mod_auth0_jwt-VERSION.tar.gz, in a folder; print its name.
#
#   tools/dist.sh FOLDER
#
# It holds the tracked files as they are now, but for debian/, which the Debian source
# package keeps apart so that packaging can change without a new release. The same files
# give the same bytes: they all get the date of the release in CHANGELOG.md.
set -eu

if [ $# != 1 ]; then
    echo "usage: tools/dist.sh FOLDER" >&2
    exit 64
fi
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."

version=$(sed -n 's/.*AUTH0_JWT_VERSION "\(.*\)"/\1/p' src/version.h)
date=$(sed -n "s/^## \[$version\] - //p" CHANGELOG.md)
if [ -z "$date" ]; then
    echo "CHANGELOG.md has no section \"## [$version] - date\" for the version of src/version.h." >&2
    exit 1
fi
name=mod_auth0_jwt-$version
list=$(mktemp)
trap 'rm -f "$list"' EXIT

# Of a tree that is no repository, such as an unpacked tarball, all but what was made.
if [ -e .git ]; then
    git -c safe.directory='*' ls-files -z -- . ':!debian' >"$list"
else
    find . \( -path ./debian -o -path ./build -o -path ./run -o -name node_modules \
        -o -name __pycache__ -o -name '.pytest_cache' -o -name .hypothesis \) -prune -o \
        -type f ! -name mod_auth0_jwt.so ! -name .env -printf '%P\0' >"$list"
fi
LC_ALL=C sort -z -o "$list" "$list"
tar -c --format=gnu --no-recursion --transform="s,^,$name/," \
    --mtime="$date 00:00:00Z" --owner=0 --group=0 --numeric-owner \
    --mode=u+rw,go+r-w,a-s,a+X --null --files-from="$list" -f "$folder/$name.tar"
gzip -9nf "$folder/$name.tar"
echo "$folder/$name.tar.gz"
