#!/bin/sh
# Runs a script of this folder with the Python of the environment that a variable names; status 77 when it names none.
#   usage: VARIABLE=FOLDER sh tests/frameworks/with_python.sh VARIABLE 'WHAT IT HAS (HOW TO MAKE IT)' SCRIPT [ARGUMENTS...]
set -eu
variable=$1 content=$2 script=$3
shift 3
eval "folder=\${$variable:-}"
if [ -z "$folder" ]; then
  echo "skipped: $variable names no environment with $content"
  exit 77
fi
if [ ! -x "$folder/bin/python" ]; then
  echo "error: $variable: no $folder/bin/python" >&2
  exit 2
fi
exec "$folder/bin/python" -B "$(dirname -- "$0")/$script" "$@"
