#!/bin/sh
# Makes a Python environment with the frameworks whose files Gradus reads and writes, and with seqeval, in FOLDER, outside the repository.
# It takes about 4 GB. Does nothing when all is there. Needs Python with venv and pip, and a network; without them it fails,
# and the test is skipped.
#   usage: sh tests/frameworks/install.sh FOLDER && GRADUS_FRAMEWORKS=FOLDER meson test -C build frameworks
set -eu

fail() {
  echo "error: $1" >&2
  exit 2
}

[ $# -eq 1 ] || fail 'expected one argument, the folder for the environment'
python=${PYTHON:-python3}
"$python" -c 'import ensurepip, venv' 2>/dev/null || fail "$python: no Python with venv and pip: PYTHON=... names another"
top=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
folder=$("$python" -c 'import os, sys; print(os.path.realpath(sys.argv[1]))' "$1")
case $folder/ in
  "$top"/*) fail "$1: inside the repository; name a folder elsewhere" ;;
esac
if [ -e "$folder" ] && [ ! -e "$folder/pyvenv.cfg" ] && [ -n "$(ls -A "$folder")" ]; then
  fail "$1: not empty, and no environment of Python's"
fi

[ -x "$folder/bin/python" ] || "$python" -m venv "$folder" || fail "$1: $python could not make the environment"
# One after the other: where one cannot be had, the test still looks at the other's files. MindSpore is compiled for numpy 1.
missing=
for package in safetensors==0.8.0 seqeval==1.2.2 tensorflow-cpu==2.21.0 mindspore==2.10.0; do
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check numpy==1.26.4 "$package" || missing="$missing $package"
done
[ -z "$missing" ] || fail "pip could not install:$missing; what they are needed for will be skipped"
"$folder/bin/python" -m pip check --disable-pip-version-check >&2
echo "$folder"
