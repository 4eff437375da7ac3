#!/bin/sh
# Run the tests that are built in build/coverage and say what of src/token they reach.
#
#   tools/coverage.sh LINES BRANCHES "UNIT TESTS" "FUZZERS"
#
# Fails below LINES or BRANCHES per cent, and when a test fails, after the report. The
# pages are in build/coverage/report.
set -eu

lines=$1
branches=$2
here=build/coverage
failed=

for test in $3; do
    "$here/$test" || failed="$failed $test"
done
for name in $4; do
    "$here/fuzz_$name" "tests/fuzz/corpus/$name" || failed="$failed fuzz_$name"
done
AUTH0_JWT_DRIVER=$here/driver /usr/bin/python3 -m pytest -q tests/verifier ||
    failed="$failed tests/verifier"

report() {
    gcovr --root . --filter src/token/ --exclude-throw-branches "$@"
}
mkdir -p "$here/report"
report --object-directory "$here" --json "$here/coverage.json" "$here"
report --add-tracefile "$here/coverage.json" --txt --html-details "$here/report/index.html"
report --add-tracefile "$here/coverage.json" --txt --branches \
    --fail-under-line "$lines" --fail-under-branch "$branches" || failed="$failed coverage"

if [ -n "$failed" ]; then
    echo "Failed:$failed" >&2
    exit 1
fi
