#!/bin/sh
# src/generate_mindrecord/generate_pretrain_mindrecords.sh of MindSpore's BERT: makes a MindRecord file of every file of text, several at a time.
#   usage: bash generate_pretrain_mindrecords.sh INPUT_FILES_PATH OUTPUT_FILES_PATH VOCAB_FILE [FLAGS_OF_GENERATE_PRETRAINING_RECORDS...]
# example: bash generate_pretrain_mindrecords.sh wiki-clean-aa/ records/ vocab.txt
set -eu
. "$(dirname -- "$(readlink -f -- "$0")")/../common.sh"
case ${1:-} in --help | -h) usage; exit 0 ;; esac
[ $# -ge 3 ] || refuse "found $# arguments, expected INPUT_FILES_PATH, OUTPUT_FILES_PATH and VOCAB_FILE"
input=$1 output=$2 vocab=$3
shift 3
check_readable INPUT_FILES_PATH "$input"
find_programs
run generate_pretraining_records --input_file "$input" --output_dir "$output" --vocab_file "$vocab" "$@"
