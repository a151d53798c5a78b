#!/bin/sh
# Puts into FOLDER what a machine with a GPU needs for tests/gpu/check.sh and may lack, where there is no network: the programs, the backends and
# the tests of a build, the shared libraries that they load, data of GRADUS_SHARED, and the pretrained model of GRADUS_MINILM in 16 bits. All
# of it goes into FOLDER.tar.xz as well, of at most 60 MiB. A machine that runs it has the C library of this one, or a newer one, and
# brings CUDA's own libraries.
#   usage: sh tests/gpu/pack.sh [--as-built] [--no-archive] FOLDER
#     --as-built     takes the programs of the build as they are, without building them
#     --no-archive   leaves the archive out
#   GRADUS_BUILD names the build (build), GRADUS_SHARED the folder with data/ (../shared); GRADUS_MINILM may be empty, as tests/fetch_minilm.sh
#   says how to get it: then training begins at random weights.
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
build=${GRADUS_BUILD:-$top/build}
shared=${GRADUS_SHARED:-$top/../shared}
most_mib=60
builds=yes archives=yes
while [ $# -gt 1 ]; do
  case $1 in
    --as-built) builds= ;;
    --no-archive) archives= ;;
    *) break ;;
  esac
  shift
done
case $#:${1:-} in
  1:-* | [!1]:*) sed -n 's/^# *usage: */usage: /p' "$0" >&2; exit 2 ;;
esac
folder=$1
if [ -e "$folder" ] && [ ! -e "$folder/packed.txt" ]; then
  echo "error: $folder is there, and nothing that this script made" >&2
  exit 2
fi

programs='tasks/run_ner tasks/run_squad tasks/run_classifier tasks/generate_pretraining_records tests/test_ops tests/test_deferred
  tests/step_bench tests/attention_bench'
emulated=tests/libgradus_cuda_emulated.so
cuda=backends/cuda/libgradus_cuda.so
grep -q "^build $cuda:" "$build/build.ninja" || cuda=
# shellcheck disable=SC2086  # the names are words
[ -z "$builds" ] || ninja -C "$build" $programs gradus_cpu $emulated $cuda

rm -rf "$folder"
mkdir -p "$folder/bin" "$folder/lib" "$folder/emulated"
for program in $programs; do strip -o "$folder/bin/${program##*/}" "$build/$program"; done
for module in "$build"/core/libgradus_core.so "$build"/backends/cpu/libgradus_cpu_*.so ${cuda:+"$build/$cuda"}; do
  strip -o "$folder/lib/${module##*/}" "$module"
done
# What they load, but for the C library's parts, whose place is the system's, and CUDA's.
libraries=$(LD_LIBRARY_PATH="$folder/lib" ldd "$folder"/bin/* "$folder"/lib/*)
if echo "$libraries" | grep 'not found' | grep -v 'libcublas' >&2; then
  echo "error: these libraries are missing here" >&2
  exit 1
fi
echo "$libraries" | sed -n 's|.* => \(/[^ ]*\) .*|\1|p' | sort -u | while read -r library; do
  case ${library##*/} in
    libgradus_* | libc.so* | libm.so* | libdl.so* | librt.so* | libpthread.so* | ld-linux* | libcuda.so* | libcublas* | libcudart*) ;;
    *) cp -L "$library" "$folder/lib/" ;;
  esac
done
# The same with the emulated device in the place of the GPU's backend.
for library in "$folder"/lib/*; do ln -s "../lib/${library##*/}" "$folder/emulated/"; done
rm -f "$folder/emulated/libgradus_cuda.so"
strip -o "$folder/emulated/libgradus_cuda.so" "$build/$emulated"

python3 "$top/tests/gpu/pack_data.py" "$shared/data" "${GRADUS_MINILM:-}" "$folder"
{
  commit=$(git -C "$top" rev-parse --short HEAD 2>/dev/null || echo unknown)
  [ -z "$(git -C "$top" status --porcelain 2>/dev/null)" ] || commit="$commit and changes"
  echo "commit: $commit"
} >"$folder/packed.txt"

[ -n "$cuda" ] || echo 'without the CUDA backend, which this build has not got: for check.sh --emulated alone'
du -sk "$folder" | awk '{ printf "%s: %.1f MiB\n", $2, $1 / 1024 }'
[ -n "$archives" ] || exit 0
tar -C "$(dirname -- "$folder")" -cf - "$(basename -- "$folder")" | xz -T0 -6 >"$folder.tar.xz"
bytes=$(wc -c <"$folder.tar.xz")
echo "$bytes" | awk -v name="$folder.tar.xz" '{ printf "%s: %.1f MiB\n", name, $1 / 1048576 }'
if [ "$bytes" -gt $((most_mib << 20)) ]; then
  echo "error: more than $most_mib MiB; the largest files are" >&2
  find "$folder" -type f -exec du -k {} + | sort -rn | head -n 8 >&2
  exit 1
fi
