#!/bin/sh
# Runs round_trip.py with the Python of $GRADUS_FRAMEWORKS, an environment that install.sh made; status 77 when that is not set.
#   usage: GRADUS_FRAMEWORKS=FOLDER GRADUS_PROGRAMS=BUILD/tasks sh tests/frameworks/run.sh [MODULE[.CLASS[.CHECK]]...]
set -eu
if [ -z "${GRADUS_FRAMEWORKS:-}" ]; then
  echo 'skipped: GRADUS_FRAMEWORKS names no environment with MindSpore, TensorFlow or seqeval (tests/frameworks/install.sh)'
  exit 77
fi
if [ ! -x "$GRADUS_FRAMEWORKS/bin/python" ]; then
  echo "error: GRADUS_FRAMEWORKS: no $GRADUS_FRAMEWORKS/bin/python" >&2
  exit 2
fi
exec "$GRADUS_FRAMEWORKS/bin/python" -B "$(dirname -- "$0")/round_trip.py" "$@"
