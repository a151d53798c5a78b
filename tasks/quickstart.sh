#!/bin/sh
# From a fresh Debian or Ubuntu to a trained model: installs what is missing, builds, and trains and scores
# BERT + BiLSTM + CRF on the built-in sample. More options go to run_ner.
#   usage: sh tasks/quickstart.sh [RUN_NER_OPTIONS...]
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
sh "$top/tasks/install_packages.sh"
build=$top/build
[ -e "$build/build.ninja" ] || meson setup "$build" "$top"
# The program and the backend it loads; the tests are built by tests/run.sh.
meson compile -C "$build" run_ner gradus_cpu
exec "$build/tasks/run_ner" --use_crf --with_lstm "$@"
