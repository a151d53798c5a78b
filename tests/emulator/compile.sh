#!/bin/sh
# Compiles the CUDA backend's sources, and those of tests for a device, with nvcc for all devices they are meant for; warnings, and
# registers that spill to memory, are errors. Status 77 where there is no nvcc ($NVCC, or the one of the path).
#   usage: sh tests/emulator/compile.sh [SOURCE.cu]...      (all of them)
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
nvcc=${NVCC:-nvcc}
if ! command -v "$nvcc" >/dev/null 2>&1; then
  echo 'skipped: the CUDA sources are compiled where nvcc is'
  exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
[ $# -gt 0 ] || set -- "$top"/backends/cuda/*.cu "$top"/tests/emulator/*.cu "$top"/tests/bench/kernels/*.cu
# The header that the build makes.
mkdir "$scratch/core"
sh "$top/core/interface_version.sh" "$scratch/core/interface_version.h" "$scratch/dependencies" "$top" c++
# fmt 9 takes nvcc for a compiler without constexpr.
for source in "$@"; do
  "$nvcc" -std=c++20 --expt-relaxed-constexpr -DFMT_USE_CONSTEXPR=1 -Werror all-warnings -Xcompiler -Wall,-Wextra -I"$top" -I"$scratch" \
    -gencode arch=compute_80,code=sm_80 -gencode arch=compute_90,code=[sm_90,compute_90] -Xptxas -v -c "$source" -o "$scratch/object.o" \
    >"$scratch/log" 2>&1 || { cat "$scratch/log"; echo "$source does not compile"; exit 1; }
  if awk '/Function properties for/ { name = $NF }
          /spill/ && !/ 0 bytes spill stores, 0 bytes spill loads/ { print name ":" $0; spills = 1 }
          END { exit !spills }' "$scratch/log"; then
    echo "$source: registers spill to memory"
    exit 1
  fi
  most=$(sed -n 's/.*Used \([0-9]*\) registers.*/\1/p' "$scratch/log" | sort -n | tail -n 1)
  echo "$source: at most ${most:-0} registers"
done
