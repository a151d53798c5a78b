#!/bin/sh
# Runs mindir_checks.py with the Python of $GRADUS_FRAMEWORKS, an environment that install.sh made; status 77 when that is not set.
#   usage: GRADUS_FRAMEWORKS=FOLDER GRADUS_PROGRAMS=BUILD/tasks sh tests/frameworks/mindir.sh MODEL_OUTPUTS [CHECK]
exec sh "$(dirname -- "$0")/with_python.sh" GRADUS_FRAMEWORKS \
  'MindSpore (tests/frameworks/install.sh)' mindir_checks.py "$@"
