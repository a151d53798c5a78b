#!/bin/sh
# What may lie in the repository: files of at most 256 KiB, which is more than any text of ours has, and at the top only
# what the project is made of. Results of a run that were added by mistake are found here.
# The last line is "N passed, N failed, 0 skipped".
set -eu
cd "$(dirname "$0")/../.."
most=262144
top='.ci .clang-format .clang-tidy .gitignore CHANGELOG.md CONTRIBUTING.md LICENSE README.md
  autograd backends core data docs meson.build meson_options.txt nn tasks tests'
passed=0 failed=0
verdict() {
  if [ -z "$2" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED: $1:" $2; fi
}
verdict "files of more than $most bytes" "$(git ls-files -z | xargs -0 -I '{}' find './{}' -maxdepth 0 -size "+${most}c")"
others=$(git ls-files | sed 's|/.*||' | sort -u | while read -r name; do
  case " $(echo $top) " in *" $name "*) ;; *) echo "$name" ;; esac
done)
verdict "no part of the project" "$others"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
