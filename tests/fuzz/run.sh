#!/bin/sh
# Fuzzes every reader of files, from the fixtures of the shared folder where that is there. Needs clang.
#   usage: sh tests/fuzz/run.sh [SECONDS_EACH [READER...]]      (30 seconds, all readers)
# The last line is "N passed, N failed, N skipped", over the readers. What made one fail is kept in build-fuzz/.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-30}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- tfrecord tfrecord_gzip tf_example mindrecord mindrecord_index safetensors mindspore pytorch pickle pytorch_index tensorflow \
  bert_config ner_text ner_table classification_text csv classification_records class_labels msra_xml squad pretraining_text pretraining_records vocab tokenizer_config \
  tokenizer_json json model_request served_request onnx schema yaml ini host_file rank_table
build=build-fuzz
shared=../shared/formats/fixtures
data=../shared/data

if ! command -v clang++ >/dev/null; then
  echo "skipped: fuzzing needs clang++"
  echo "0 passed, 0 failed, $# skipped"
  exit 0
fi
mkdir -p "$build"

# The library files that readers need, compiled by hand: meson's build is for another compiler.
sources="core/error core/processors core/io/checked_json core/io/crc32c core/io/file_kind core/io/files core/io/hub_folder core/io/json core/io/protobuf core/joined
  data/basic_tokenizer data/batcher data/class_labels data/classification_columns data/classification_forms data/classification_json data/classification_reading data/classification_records data/classification_table data/classification_text data/columns data/dataset data/dataset_stream data/mind_dataset data/tf_dataset data/mind_record data/mind_record_format data/mind_record_index
  data/mind_record_values data/mind_record_writer data/msgpack data/msra_xml data/ner_column_form data/ner_columns data/ner_lists data/ner_names data/ner_table data/ner_text data/pretraining_instances data/pretraining_records data/pretraining_text
  data/python_random data/sentences data/sqlite_draft data/squad_features data/squad_table data/squad_text data/table_rows data/tag_scheme data/text_file data/tf_example
  data/tf_record data/token_records data/tokenizer_config data/tokenizer_json data/unicode data/unicode_8 data/vocab data/word_piece
  nn/bert_config nn/checkpoints/checkpoint_file nn/checkpoints/mindspore_checkpoint nn/checkpoints/pickle nn/checkpoints/pytorch_checkpoint
  nn/checkpoints/pytorch_storages nn/checkpoints/safetensors nn/checkpoints/safetensors_writer nn/checkpoints/shard_index
  nn/checkpoints/sorted_table nn/checkpoints/tensor_entry nn/checkpoints/tensorflow_checkpoint nn/checkpoints/tensorflow_slices nn/checkpoints/zip_archive nn/export/onnx_header nn/stored_labels
  tasks/launch/hosts tasks/launch/ini_file tasks/model_request tasks/options/config_file tasks/serve/request tasks/text_query
  tests/fuzz/readers"
flags="-std=c++20 -O1 -gline-tables-only -I. -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined"
libraries=$(pkg-config --libs fmt libutf8proc zlib sqlite3 pugixml yaml-cpp)
# It has no .pc file.
libraries="$libraries -lcsv"
objects=
rules=
for source in $sources; do
  object=$build/$(echo "$source" | tr / _).o
  objects="$objects $object"
  rules="$rules$object: $source.cpp
	clang++ $flags -MMD -c $source.cpp -o $object
"
done
cat >"$build/Makefile" <<END
$build/fuzz_readers:$objects
	clang++ $flags $objects -o $build/fuzz_readers $libraries
$rules
-include $build/*.d
END
make -s -j"$(nproc)" -f "$build/Makefile" "$build/fuzz_readers"

# The seeds of a reader: whole files, small enough to be worth changing byte by byte.
seed() {
  corpus=$build/corpus-$1
  mkdir -p "$corpus"
  [ -d "$shared" ] || return 0
  case $1 in
    tfrecord) copy "$shared"/tfrecord/*.tfrecord "$shared"/bad/*.tfrecord ;;
    onnx) copy "$shared"/onnx/*.onnx ;;
    tfrecord_gzip) copy "$shared"/tfrecord/*.gz ;;
    mindrecord) copy $(ls "$shared"/mindrecord/* "$shared"/bad/* | grep mindrecord | grep -v 'db$\|json$\|gz$') ;;
    mindrecord_index)
      for file in "$shared"/mindrecord/*.db; do [ ! -f "${file%.db}" ] || pair "${file%.db}" "$file"; done ;;
    safetensors) copy "$shared"/safetensors/*.safetensors "$shared"/bad/*.safetensors ;;
    mindspore) copy "$shared"/ms_ckpt/*.ckpt "$shared"/bad/*.ckpt ;;
    pytorch | pickle) copy "$shared"/pytorch_bin/*.bin ;;
    pytorch_index)
      echo '{"weight_map": {"a": "x-1.bin", "b": "x-1.bin"}}' >"$build/index"
      pair "$build/index" "$shared"/pytorch_bin/bert_cls_legacy.bin ;;
    tensorflow)
      for file in "$shared"/tf_checkpoint/*.index; do
        [ ! -f "${file%.index}.data-00000-of-00001" ] || pair "$file" "${file%.index}.data-00000-of-00001"
      done ;;
    ner_text)
      head -c 2000 "$data/conll2003/dev.txt" >"$corpus/conll"
      head -n 5 "$data/cluener/dev.json" >"$corpus/cluener"
      printf '{"id": "0", "tokens": ["a", "b"], "ner_tags": [1, 0]}\n{"tokens": [], "ner_tags": []}\n' >"$corpus/numbers"
      printf '{"words": ["a"], "tags": ["B-PER"]}\n{"words": ["-DOCSTART-"], "tags": ["O"]}\n' >"$corpus/lists" ;;
    ner_table)
      printf 'Sentence #,Word,POS,Tag\nSentence: 1,a,x,B-PER\n,"""",x,O\n,,,\nSentence: 2,-DOCSTART-,x,O\n,b,x,O\n' >"$corpus/sentences"
      printf 'sep=;\r\nid;word;tag\r\n1;a;O\r\n;;\r\n2;"b";O\r\n' >"$corpus/parted"
      printf 'sentence_id\tword\ttag\n1\t"\tO\n2\t"a b"\tB-PER\n' >"$corpus/tabs" ;;
    classification_text)
      # Every form has a file of its name.
      for file in tests/data/forms/*; do
        name=$(basename "${file%.*}")
        { echo "$name"; cat "$file"; } >"$corpus/$name"
      done ;;
    csv)
      cp -f tests/data/forms/csv.csv "$corpus/csv"
      printf 'sep=;\r\na;"b\nc";"d "" e"\r\n;;\r\n' >"$corpus/sep"
      printf 'a\tb\n"c\t",d\n' >"$corpus/tabs" ;;
    classification_records) copy "$shared"/tfrecord/classifier.tfrecord ;;
    class_labels) printf 'good\nbad\n' >"$corpus/labels" ;;
    bert_config)
      echo '{"vocab_size": 100, "hidden_act": "gelu", "id2label": {"0": "O"}}' >"$corpus/config"
      echo '{"vocab_size": 100, "model_type": "nezha", "max_relative_position": 9, "use_relative_positions": true}' >"$corpus/nezha" ;;
    msra_xml) echo '<d><s><w>a<N TYPE="P">b</N></w></s></d>' >"$corpus/xml" ;;
    squad)
      echo '{"data": [{"paragraphs": [{"context": "aa b. ab", "qas": [{"id": "q", "question": "a b?", "answers": [{"text": "b.", "answer_start": 3}], "is_impossible": false}]}]}]}' >"$corpus/squad"
      echo '[{"id": "a", "context": "aa b. ab", "question": "a b?", "answers": {"text": ["b.", "ab"], "answer_start": [3, 6]}}, {"id": 2, "context": "aa b. ab", "question": "b", "answers": {"text": [], "answer_start": []}}]' >"$corpus/list"
      printf '{"id": "a", "context": "aa b. ab", "question": "a b?", "answers": {"text": ["b."]}}\n{"id": "b", "context": "b", "question": "b"}\n' >"$corpus/lines"
      printf 'id,context,question,answer,answer_start,is_impossible\na,"aa b.\nab",a b?,b.,3.0,\na,"aa b.\nab",a b?,ab,,false\nb,ab,b,,,1\n' >"$corpus/csv"
      printf 'sep=;\r\ncontext;question;text;x\r\na a;b?;a;"1;"\r\na a;b?;a a;\r\n;;;\r\n' >"$corpus/sep" ;;
    pretraining_text)
      printf 'a b ab.\nb a. The a!\n\nab a b\n' >"$corpus/sentences"
      printf '<doc id="1" title="a">\na\n\nab b. The &lt;a的。b\n</doc>\n' >"$corpus/wiki" ;;
    pretraining_records) copy "$shared"/pretraining_reference/*.tfrecord ;;
    tokenizer_config) echo '{"do_lower_case": true, "mask_token": {"content": "[MASK]"}, "added_tokens_decoder": {"7": {"content": "<e>", "normalized": true}}}' >"$corpus/config" ;;
    tokenizer_json) echo '{"added_tokens": [{"id": 4, "content": "[MASK]", "special": true}], "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true}, "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}], "pair": []}, "model": {"type": "WordPiece", "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4}}}' >"$corpus/json" ;;
    json) echo '{"step": 3, "shuffle": true, "losses": [1.5, null], "settings": {"a": "b"}}' >"$corpus/state" ;;
    model_request)
      echo '{"texts": ["a", "b"]}' >"$corpus/texts"
      echo '{"pairs": [["a", "b"], ["c", "d"]]}' >"$corpus/pairs"
      echo '{"context": "a", "questions": ["b"]}' >"$corpus/questions"
      echo '{"device": "CPU", "device_id": 0, "threads": 1, "compute_type": "fp32", "batch_size": 8, "seq_length": 9}' >"$corpus/options" ;;
    served_request)
      echo '{"text": "a", "model": "b", "truncate": false}' >"$corpus/text"
      echo '{"texts": ["a", "\\u00fc"], "truncate": true}' >"$corpus/texts"
      echo '{"pair": ["a", "b"]}' >"$corpus/pair"
      echo '{"context": "a", "questions": ["b", "c"]}' >"$corpus/questions" ;;
    schema) echo '{"datasetType": "TF", "numRows": 3, "columns": {"a": {"type": "int64", "rank": 1, "shape": [2, -1]}}}' >"$corpus/schema" ;;
    yaml)
      printf 'a: 1\nb: {c: [x, y], d: &m {e: f}}\ng: *m\n---\na: help\n---\na: [1, 2]\n' >"$corpus/config"
      printf 'a: &a {x: 1, y: 2}\nb: &b {x: *a, y: *a}\nc: &c {x: *b, y: *b}\nd: {x: *c, y: *c}\n' >"$corpus/aliases" ;;
    ini) printf '[config]\n# a\nepoch_size = 3\ndata : 5%%%% ; b\n' >"$corpus/ini" ;;
    host_file) printf 'a slots=2 # b\n\nc.d slots = 1 max_slots=4\ne\n' >"$corpus/hosts" ;;
    rank_table) echo '{"server_count": "1", "server_list": [{"server_id": "a", "device": [{"rank_id": "0"}, {"rank_id": "1"}]}], "status": "completed"}' >"$corpus/table" ;;
    vocab) head -n 110 "$data/vocab/chinese.txt" >"$corpus/vocab" ;;
  esac
}
copy() {
  for file in "$@"; do
    [ ! -f "$file" ] || [ "$(stat -c %s "$file")" -gt 300000 ] || cp -f "$file" "$corpus/"
  done
}
# Two files as one input, the length of the first before them.
pair() {
  size=$(stat -c %s "$1")
  [ "$size" -le 300000 ] && [ "$(stat -c %s "$2")" -le 300000 ] || return 0
  {
    printf "$(printf '\\%03o\\%03o\\%03o\\%03o' $((size & 255)) $((size >> 8 & 255)) $((size >> 16 & 255)) $((size >> 24 & 255)))"
    cat "$1" "$2"
  } >"$corpus/$(basename "$1")"
}

# The most MiB that one allocation may take: inputs of 0.4 MB have no use for more, unless they are compressed.
limit() { case $1 in tfrecord_gzip) echo 512 ;; *) echo 24 ;; esac; }

fuzz() {
  if FUZZ_READER=$1 "$build/fuzz_readers" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb="$(limit "$1")" \
    -max_len=400000 -artifact_prefix="$build/$1-" "$build/corpus-$1" >"$build/$1.log" 2>&1; then
    echo "$1: $(tail -n 1 "$build/$1.log")"
  else
    echo "$1: FAILED"
    grep -m 5 'ERROR\|SUMMARY\|runtime error\|Test unit' "$build/$1.log" || tail -n 20 "$build/$1.log"
  fi >"$build/$1.result"
}

# As many at a time as there are processors.
running=0
for reader in "$@"; do
  seed "$reader"
  fuzz "$reader" &
  running=$((running + 1))
  [ $((running % $(nproc))) -ne 0 ] || wait
done
wait
passed=0 failed=0
for reader in "$@"; do
  cat "$build/$reader.result"
  if grep -q 'FAILED$' "$build/$reader.result"; then failed=$((failed + 1)); else passed=$((passed + 1)); fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
