#!/bin/sh
# Run Check programs one after the other, from the top of the tree; fail if one does.
#
#   tools/unit.sh PROGRAM...
set -eu

failed=
for program in "$@"; do
    # Each program's closing line ("100%: Checks: 12, ...") stays visible.
    "$program" || failed="$failed $program"
done
if [ -n "$failed" ]; then
    echo "Failed:$failed" >&2
    exit 1
fi
if [ $# = 0 ]; then
    echo "There are no unit tests to run." >&2
    exit 1
fi
