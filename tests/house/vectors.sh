#!/bin/sh
# No function that is meant for vector code (backends/cpu/vector_math.h) is called, nor one of the C library for a float: a loop with a
# call in it is none for the compiler, and ten times slower.
#   usage: sh tests/house/vectors.sh MODULE...
set -eu
status=0
complain() {
  [ -z "$3" ] && return
  printf '%s: %s:\n%s\n' "$1" "$2" "$3" >&2
  status=1
}
for module; do
  called=$(nm -C --defined-only "$module" | grep -E 'gradus::cpu::(normal|split_exp|simd_[a-z0-9_]+|widen|store|put)[(<]' || :)
  complain "$module" "not inlined" "$called"
  # logf is called once a row; sysconf takes no number.
  called=$(nm -D --undefined-only "$module" | awk '{ sub(/@.*/, "", $2); print $2 }' | grep -E '^[a-z][a-z0-9]*f$' | grep -vxE "logf|sysconf" || :)
  complain "$module" "calls of the C library, of which backends/cpu/vector_math.h may have what a loop can use" "$called"
done
exit $status
