#!/bin/sh
# Runs tokenizer_checks.py with the Python of $GRADUS_TRANSFORMERS, an environment with the package transformers; status 77 when that
# is not set.
#   usage: GRADUS_TRANSFORMERS=FOLDER sh tests/frameworks/transformers.sh TOKENIZE [TEXTS]
exec sh "$(dirname -- "$0")/with_python.sh" GRADUS_TRANSFORMERS \
  'transformers (python3 -m venv FOLDER; FOLDER/bin/pip install transformers)' tokenizer_checks.py "$@"
