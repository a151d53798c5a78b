#!/bin/sh
# The parts of `.ci/run format` that what is about to be committed can fail, in half a minute at most: the format of its sources, that
# headers compile alone (when there is a header in it), that nothing was added by mistake. As a hook of git:
#   ln -s ../../tests/house/before_commit.sh .git/hooks/pre-commit
set -eu
cd "$(git rev-parse --show-toplevel)"
sources=$(git diff --cached --name-only --diff-filter=d -- '*.h' '*.cpp' '*.cu')
if [ -n "$sources" ] && command -v clang-format-14 >/dev/null; then echo "$sources" | xargs clang-format-14 --dry-run --Werror; fi
if echo "$sources" | grep -q '\.h$'; then sh tests/house/headers.sh; fi
sh tests/house/files.sh
