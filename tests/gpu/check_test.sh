#!/bin/sh
# Whether tests/gpu/pack.sh and check.sh work: on the emulated device, a few steps of each part, and a failure is one.
#   usage: sh tests/gpu/check_test.sh BUILD_FOLDER
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export OUT="$folder/out" GRADUS_BUILD="$1" GRADUS_MINILM=
fail() {
  echo "$1"
  cat "$folder/said" "$OUT/check.log"
  exit 1
}
sh "$here/pack.sh" --as-built --no-archive "$folder/packed"
sh "$here/check.sh" --emulated "$folder/packed" ops sanitizer drivers bench >"$folder/said" 2>&1 || fail 'a step fails'
tail -n 1 "$folder/said"
grep -q '^PASS  ops: fused' "$folder/said" || fail 'no op was tried'
grep -q '^| the device opens | PASS |' "$OUT/table.md" || fail 'the table has no row of a step'
if [ -e "$folder/packed/data" ]; then
  grep -q '^PASS  drivers: squad learns, bf16' "$folder/said" || fail 'no driver was tried'
  grep -q '^| CoNLL-2003, a few | Gradus | [1-9]' "$OUT/table.md" || fail 'the table has no row of a benchmark'
fi

# Out of time, and without a backend.
if sh "$here/check.sh" --emulated "$folder/packed" bits=1 >"$folder/said" 2>&1; then fail 'a step that is stopped does not fail'; fi
grep -q '^FAIL  bits: .*(stopped after 1 s)' "$folder/said" || fail 'a step was not stopped'
rm "$folder/packed/emulated/libgradus_cuda.so"
if sh "$here/check.sh" --emulated "$folder/packed" ops >"$folder/said" 2>&1; then fail 'without a backend nothing fails'; fi
[ "$(tail -n 1 "$folder/said")" = '0 passed, 1 failed, 0 skipped' ] || fail 'without a backend there is another count'
