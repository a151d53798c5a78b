#!/bin/sh
# Puts oneDNN 3.2 into FOLDER, as the Python packages onednn-cpu-gomp and onednn-devel-cpu-gomp carry it, and prints the
# prefix to build with: Debian 12 has 2.6 only, and both have to work. Needs Python with pip; fails without.
#   usage: prefix=$(sh tests/fetch_onednn3.sh FOLDER)
#          meson setup build-onednn3 --cmake-prefix-path="$prefix" && meson compile -C build-onednn3
#          LD_LIBRARY_PATH=$prefix/lib meson test -C build-onednn3
set -eu
mkdir -p "$1"
folder=$(CDPATH='' cd -- "$1" && pwd)
prefix=$folder/prefix
if [ ! -e "$prefix/lib/libdnnl.so.3" ]; then
  python3 -m pip download --quiet --no-deps --dest "$folder" onednn-cpu-gomp==2023.2.0 onednn-devel-cpu-gomp==2023.2.0 >&2
  for wheel in "$folder"/onednn_*.whl; do
    python3 -m zipfile -e "$wheel" "$folder/unpacked"
  done
  # Either package has a part of lib/: libraries here, CMake files there.
  mkdir -p "$prefix"
  for part in "$folder"/unpacked/*.data/data; do
    cp -R "$part/." "$prefix"
  done
  rm -r "$folder/unpacked"
fi
echo "$prefix"
