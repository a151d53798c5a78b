#!/bin/sh
# Runs tokenizer_checks.py with the Python of $GRADUS_TRANSFORMERS, an environment with the package transformers; status 77 when that
# is not set.
#   usage: GRADUS_TRANSFORMERS=FOLDER sh tests/frameworks/transformers.sh TOKENIZE [TEXTS]
set -eu
if [ -z "${GRADUS_TRANSFORMERS:-}" ]; then
  echo 'skipped: GRADUS_TRANSFORMERS names no environment with transformers (python3 -m venv FOLDER; FOLDER/bin/pip install transformers)'
  exit 77
fi
if [ ! -x "$GRADUS_TRANSFORMERS/bin/python" ]; then
  echo "error: GRADUS_TRANSFORMERS: no $GRADUS_TRANSFORMERS/bin/python" >&2
  exit 2
fi
exec "$GRADUS_TRANSFORMERS/bin/python" -B "$(dirname -- "$0")/tokenizer_checks.py" "$@"
