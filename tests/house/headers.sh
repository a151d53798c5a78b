#!/bin/sh
# Compiles each header of the project by itself that has no source of its name: the sources compile the others, which
# they include before all else (tests/house/rules_test.cpp). The last line is "N passed, N failed, 0 skipped".
#   usage: sh tests/house/headers.sh [COMPILER]      (c++)
set -eu
cd "$(dirname "$0")/../.."
compiler=${1:-c++}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# The header that the build makes.
mkdir "$scratch/core"
sh core/interface_version.sh "$scratch/core/interface_version.h" "$scratch/dependencies" "$PWD" "$compiler"

headers=$(git ls-files '*.h' | while read -r header; do [ -e "${header%.h}.cpp" ] || echo "$header"; done)
# One line a header on standard output, what the compiler says of it on standard error. Those of the CUDA backend and of the ladders of
# kernels are written in the language of a device, here the emulated one.
compile='case $3 in backends/cuda/* | tests/bench/kernels/*) echo "#include \"tests/emulator/device.h\"" ;; esac >"$2/$$.first"
  echo "#include \"$3\"" | cat "$2/$$.first" - | "$1" -std=c++20 -fopenmp -Wall -Wextra -Werror -fsyntax-only -I. "-I$2" -x c++ - &&
  echo "ok $3" || echo "FAILED: $3 does not compile alone"'
echo "$headers" | xargs -P "$(nproc)" -n 1 sh -c "$compile" sh "$compiler" "$scratch" >"$scratch/results"
grep '^FAILED' "$scratch/results" || true
failed=$(grep -c '^FAILED' "$scratch/results" || true)
echo "$(grep -c '^ok' "$scratch/results" || true) passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
