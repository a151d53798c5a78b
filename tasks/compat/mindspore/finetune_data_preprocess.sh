#!/bin/sh
# src/finetune_data_preprocess.py of MindSpore's BERT: makes MindRecord of the XML file of MSRA's corpus of names.
#   usage: sh finetune_data_preprocess.sh FLAGS... [-- MORE_FLAGS_OF_GENERATE_NER_RECORDS...]
#   --data_dir FILE              the corpus
#   --vocab_file FILE            --label2id FILE: types of names, one a line
#   --save_path FOLDER           (./my.mindrecord); the records are train.mindrecord in it, and run_ner takes the folder as it takes a file
#   --max_seq_len N (128)        --class_filter NAME...: elements that are names, all others are text (all are)
#   --split_begin X, --split_end X   from where to where in the file, as parts of its sentences (0, 1)
# example: sh finetune_data_preprocess.sh --data_dir=msra.xml --vocab_file=vocab.txt --label2id=types.txt --save_path=msra.mindrecord \
#            --max_seq_len=128 --class_filter=NAMEX --split_begin=0.0 --split_end=0.8
set -eu
. "$(dirname -- "$(readlink -f -- "$0")")/../common.sh"
flags='
data_dir needed
vocab_file needed
label2id needed
save_path value ./my.mindrecord
max_seq_len value 128
class_filter values
split_begin value 0
split_end value 1
'
read_flags "$@"
shift "$read_words"
find_programs
run generate_ner_records --dataset_name msra --data_dir "$(dirname -- "$flag_data_dir")" --train_file "$(basename -- "$flag_data_dir")" \
  --do_eval false --do_predict false --vocab_file "$flag_vocab_file" --label_file "$flag_label2id" --output_dir "$flag_save_path" \
  --max_seq_length "$flag_max_seq_len" --class_filter "$flag_class_filter" --split_begin "$flag_split_begin" --split_end "$flag_split_end" "$@"
