#!/bin/sh
# Run a command in a fresh clone of this tree in a fresh, minimal Debian.
#
#   tools/in-root.sh [--again] SUITE COMMAND...
#   tools/in-root.sh trixie make -f Makefile.apxs test
#
# The root has what a person with a clone has, make and git, and nothing else that this
# project needs. It shares the network with this machine, and takes its way to packages
# along: the mirrors and settings of apt, certificates, npm's settings. The clone is of
# the last commit. The test vectors lie beside it where there are any here.
#
# tools/make-root.sh makes build/roots/SUITE.tar once; remove it to have a newer one.
# The root itself, build/roots/SUITE, is removed when the command succeeds. Otherwise it
# stays, to be looked into: --again runs a command in it as it is. All this is done as root,
# with sudo where that asks for no password.
#
# Exit status: the command's; 64 for a wrong call.
set -eu

fail() {
    echo "$1" >&2
    exit "${2:-1}"
}

again=
if [ "${1-}" = --again ]; then
    again=1
    shift
fi
[ $# -ge 2 ] || fail "usage: tools/in-root.sh [--again] SUITE COMMAND..." 64
suite=$1
shift
case $suite in
    *[!a-z]* | '') fail "$suite is not the name of a Debian release, such as trixie." 64 ;;
esac

cd "$(dirname "$0")/.."
top=$(pwd)
roots=$top/build/roots
root=$roots/$suite
tar=$roots/$suite.tar

if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || fail "Only root can do this. Please type:
sudo -E tools/in-root.sh${again:+ --again} $suite $*"
    mkdir -p "$roots" # build/ is not to become root's
    exec sudo -n -E env HOME="$HOME" tools/in-root.sh ${again:+--again} "$suite" "$@"
fi
mkdir -p "$roots"

# One at a time: the next one would remove the root under the first.
exec 9>"$roots/$suite.lock"
flock -n 9 || fail "Another tools/in-root.sh uses $root."

# ------------------------------------------------------------------------------
# The root

if [ -n "$again" ]; then
    [ -e "$root/src/main" ] || fail "There is no $root: run it without --again first." 64
else
    if [ ! -e "$tar" ]; then
        echo "Making a root of Debian $suite"
        tools/make-root.sh "$suite" "$tar" make,git
    fi
    umask 022
    rm -rf --one-file-system "$root"
    mkdir "$root"
    tar -x --numeric-owner -p -f "$tar" -C "$root"

    mkdir "$root/src"
    git clone --quiet --no-hardlinks "$top" "$root/src/main"
    left_out=$(git status --porcelain)
    [ -z "$left_out" ] || printf '%s\n' "Not committed, so not in the clone:" "$left_out" >&2
    [ ! -d "${AUTH0_JWT_VECTORS-}" ] || cp -RL "$AUTH0_JWT_VECTORS" "$root/src/vectors"
    for file in /etc/hosts /etc/resolv.conf; do
        cp -L "$file" "$root/etc/"
    done
    [ ! -e ~/.npmrc ] || cp -L ~/.npmrc "$root/root/"
fi

# ------------------------------------------------------------------------------
# The command. Of the environment it sees what leads to the network and what is meant
# for the tests.

set -- HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    AUTH0_JWT_VECTORS=/src/vectors "$@"
ours='CI|TERM|AUTH0_JWT_[A-Z_]+'
network='[A-Za-z]+_(proxy|PROXY)|(npm_config|NPM_CONFIG)_\w+'
for name in $(env | sed -nE "s/^($ours|$network)=.*/\1/p"); do
    eval "set -- \"\$name=\$$name\" \"\$@\""
done

# The shell in front of the command is what the kernel makes init of a process
# namespace: it collects the processes that lose their parent.
# shellcheck disable=SC2016  # expanded in the new namespaces
enter='
    set -e
    mount --bind "$0" "$0"
    mount -t proc proc "$0/proc"
    mount --rbind /sys "$0/sys"
    mount --rbind /dev "$0/dev"
    mount -t tmpfs -o mode=1777 tmpfs "$0/dev/shm"
    status=0
    chroot "$0" sh -c '\''cd /src/main && exec "$@"'\'' sh "$@" || status=$?
    exit "$status"'
status=0
unshare --mount --pid --fork --kill-child sh -c "$enter" "$root" env -i "$@" || status=$?
[ -z "$again" ] || exit "$status"
if [ "$status" = 0 ]; then
    rm -rf --one-file-system "$root"
else
    echo "To look around: tools/in-root.sh --again $suite sh" >&2
fi
exit "$status"
