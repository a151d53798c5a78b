#!/bin/sh
# Runs round_trip.py with the Python of $GRADUS_FRAMEWORKS, an environment that install.sh made; status 77 when that is not set.
#   usage: GRADUS_FRAMEWORKS=FOLDER GRADUS_PROGRAMS=BUILD/tasks sh tests/frameworks/run.sh [MODULE[.CLASS[.CHECK]]...]
exec sh "$(dirname -- "$0")/with_python.sh" GRADUS_FRAMEWORKS \
  'MindSpore, TensorFlow or seqeval (tests/frameworks/install.sh), or PyTorch and transformers' round_trip.py "$@"
