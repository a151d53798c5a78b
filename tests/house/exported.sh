#!/bin/sh
# The library shows the functions of its headers and nothing else: what else it showed, other programs would come to depend on, and
# their own functions of such a name would be taken for it.
#   usage: sh tests/house/exported.sh LIBRARY
set -eu
root=$(dirname "$0")/../..
shown=$(nm -D --defined-only "$1" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }')
declared=$(grep -o 'gradus_[a-z_]*(' "$root/tasks/gradus.h" | tr -d '(' | sort -u)
status=0
for name in $declared; do
  echo "$shown" | grep -qx "$name" || { echo "$name: declared in tasks/gradus.h, not shown by $1" >&2; status=1; }
done
# Functions of pipeline.h's classes, and C's.
others=$(echo "$shown" | grep -vE '^_ZNK?6gradus(6Tagger|10Classifier|8Answerer|7task_of)' | grep -vxF "$declared" || :)
[ -z "$others" ] || { printf '%s shows more than its headers declare:\n%s\n' "$1" "$others" >&2; status=1; }
exit $status
