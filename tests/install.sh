#!/bin/sh
# Installs the build into a temporary folder, moves it, and runs what was installed: programs that start, find their
# backend beside the core library, train and predict.
#   usage: sh tests/install.sh BUILD_FOLDER
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
meson install -C "$1" --no-rebuild --quiet --destdir "$folder/staged" >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
program=$(find "$folder/staged" -name run_ner -type f -perm -u+x)
prefix=$(dirname -- "$(dirname -- "$program")")
mv "$prefix" "$folder/moved"
bin=$folder/moved/bin

# Nothing of the build folder may be needed. The folder of a oneDNN that is not the system's stays.
LD_LIBRARY_PATH=$(printf %s "${LD_LIBRARY_PATH:-}" | tr : '\n' | grep -vF "$(realpath "$1")/" | paste -sd :) || true
export LD_LIBRARY_PATH
for program in "$bin"/*; do
  ldd "$program" | grep -q "libgradus_core.so => $(realpath "$folder/moved")/" || { echo "$program: finds another core library"; exit 1; }
done
"$bin/run_ner" --help | grep -q -- '--use_crf'
"$bin/run_ner" --max_steps 1 --hidden_size 16 --num_hidden_layers 1 --num_attention_heads 2 --use_crf \
  --save_finetune_checkpoint_path "$folder/model" >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
# The library, from where it was moved to, by its .pc file.
examples=$(dirname -- "$0")/examples
if command -v pkg-config >/dev/null; then
  PKG_CONFIG_PATH=$(dirname -- "$(find "$folder/moved" -name gradus.pc)")
  export PKG_CONFIG_PATH
  # A library built for the sanitizers needs them in the programs too.
  sanitizers=$(grep -o -m 1 -e '-fsanitize=[a-z,]*' "$1/build.ninja" | head -n 1) || true
  library=$(pkg-config --define-variable=prefix="$folder/moved" --variable=libdir gradus)
  flags=$(pkg-config --define-variable=prefix="$folder/moved" --cflags --libs gradus)
  for name in tag classify answer; do
    sed 's|tasks/pipeline.h|gradus/pipeline.h|' "$examples/$name.cpp" >"$folder/$name.cpp"
    # shellcheck disable=SC2086
    c++ -std=c++20 "$folder/$name.cpp" -o "$folder/$name" $sanitizers $flags -Wl,-rpath,"$library"
  done
  echo 'Anna lives in Paris .' | "$folder/tag" "$folder/model" >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
  sed 's|tasks/gradus.h|gradus/gradus.h|' "$examples/ask.c" >"$folder/ask.c"
  # shellcheck disable=SC2086
  cc -std=c89 -pedantic -Wall -Wextra -Werror "$folder/ask.c" -o "$folder/ask" $sanitizers $flags -Wl,-rpath,"$library"
  echo 'Anna lives in Paris .' | "$folder/ask" "$folder/model" | grep -q '^{"entities":' || { echo "ask.c: no entities"; exit 1; }
fi
# Python, from another folder; it loads no library with sanitizers in it.
if ! grep -q -m 1 -e '-fsanitize=' "$1/build.ninja"; then
  script=$(cd "$examples" && pwd)/gradus.py
  (cd / && echo '{"texts": ["Anna lives in Paris .", ""]}' | GRADUS_LIBRARY=$(find "$folder/moved" -name libgradus.so.0) \
    python3 -B "$script" "$folder/model") | grep -q '^{"results": \[{"entities": ' || { echo "gradus.py: no entities"; exit 1; }
fi
# Every program is known to man, and to the shells, which have an export of their own.
for program in "$bin"/*; do
  name=$(basename -- "$program")
  pages=man/man1/$name.1
  [ "$name" = export ] || pages="$pages bash-completion/completions/$name zsh/site-functions/_$name"
  for page in $pages; do
    [ -s "$folder/moved/share/$page" ] || { echo "share/$page is missing"; exit 1; }
  done
done
words=$(echo 'Anna lives in Paris .' | "$bin/run_ner" --do_predict --load_finetune_checkpoint_path "$folder/model" | wc -l)
[ "$words" -gt 0 ]
# From another folder, where it leaves its files, with no settings at hand.
printf 'Anna B-PER\nlives O\nin O\nParis B-LOC\n. O\n' >"$folder/dev.txt"
mkdir "$folder/inference"
(cd "$folder/inference" && "$bin/infer" --task ner_crf --load_finetune_checkpoint_path "$folder/model" --eval_data_file_path "$folder/dev.txt" \
  --assessment_method accuracy >log 2>&1) || { cat "$folder/inference/log"; exit 1; }
grep -q '^acc_num . , total_num 5, accuracy ' "$folder/inference/acc.log"
