#!/bin/sh
# No function that is meant for vector code (backends/cpu/vector_math.h) is called: a loop with a call in it is none for the
# compiler, and ten times slower.
#   usage: sh tests/house/vectors.sh MODULE...
set -eu
status=0
for module; do
  called=$(nm -C --defined-only "$module" | grep -E 'gradus::cpu::(normal|split_exp|simd_[a-z]+|widen|store|put)[(<]' || :)
  [ -z "$called" ] && continue
  printf '%s: not inlined:\n%s\n' "$module" "$called" >&2
  status=1
done
exit $status
