#!/bin/sh
# Builds the project and runs every test. The last line is "N passed, N failed, N skipped", counted in test cases;
# the exit status is 0 when none failed.
#   usage: sh tests/run.sh [BUILD_FOLDER [MESON_SETUP_OPTIONS...]]
# GRADUS_TESTS names test programs, "ops nn", to build and run these alone.
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
build=${1:-$top/build}
[ $# -eq 0 ] || shift
sh "$top/tasks/install_packages.sh"
[ -e "$build/build.ninja" ] || meson setup "$build" "$top" "$@"
if [ -z "${GRADUS_TESTS:-}" ]; then
  meson compile -C "$build"
  tests=''
else
  meson compile -C "$build" $(printf 'needed_by_%s ' $GRADUS_TESTS)
  tests="--no-rebuild $GRADUS_TESTS"
fi
status=0
# Sanitizers and busy machines take longer than the 30 seconds meson gives a test.
meson test -C "$build" --print-errorlogs -t 20 $tests || status=$?

# One line a test program, in JSON. A doctest program counts as the cases of its summary, of which those that
# print "skipped: ..." are skipped; a program without summary, or one that died, counts as one, and one more for a line
# "skipped: ..." of a part that it left out.
awk -v status="$status" '
  function number(text) { gsub(/[^0-9]/, "", text); return text + 0 }
  {
    ok = match($0, /"result": "(OK|EXPECTEDFAIL)"/)
    skip = match($0, /"result": "SKIP"/)
    cases = match($0, /test cases: *[0-9]+ *\| *[0-9]+ passed *\| *[0-9]+ failed/)
    if (cases) {
      split(substr($0, RSTART, RLENGTH), part, "|")
      here = gsub(/MESSAGE: skipped: /, "")
      passed += number(part[2]) - here
      failed += number(part[3])
      skipped += here
      if (!ok && number(part[3]) == 0) ++failed
    } else if (ok) {
      ++passed
      skipped += gsub(/\\nskipped: /, "")
    }
    else if (skip) ++skipped
    else ++failed
  }
  END {
    if (NR == 0 || (status != 0 && failed == 0)) ++failed
    printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
    exit failed > 0
  }' "$build/meson-logs/testlog.json"
