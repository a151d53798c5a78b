#!/bin/sh
# BERT_NER.py of kyzhouhzau/BERT-NER as run_ner, by its own flags: BERT with a CRF, or without, for CoNLL-2003.
#   usage: sh BERT_NER.sh FLAGS... [-- MORE_FLAGS_OF_RUN_NER...]
#   --task_name ner --data_dir FOLDER     train.txt, dev.txt and test.txt are in it
#   --bert_config_file FILE --vocab_file FILE --init_checkpoint FILE
#   --output_dir FOLDER                   the models, label_test.txt and the scores; a run that is started again goes on
#   --do_train, --do_eval, --do_predict   what to do (false)
#   --crf, --do_lower_case                true or false (true)
#   --max_seq_length N (128)              --train_batch_size N (32)    --eval_batch_size N, --predict_batch_size N (8)
#   --learning_rate X (5e-5)              --num_train_epochs N (3.0)   --warmup_proportion X (0.1)
#   --save_checkpoints_steps N (1000)     --middle_output and those of TPUs are left
# What it labels goes to label_test.txt, a word a line, and to conlleval, whose report is printed and kept in predict_score.txt.
# example: sh BERT_NER.sh --task_name=ner --data_dir=data --vocab_file=cased/vocab.txt --bert_config_file=cased/bert_config.json \
#            --init_checkpoint=cased/bert_model.ckpt --do_lower_case=False --crf=True --do_train=True --do_predict=True --output_dir=output
set -eu
. "$(dirname -- "$(readlink -f -- "$0")")/../common.sh"
flags="
task_name needed
data_dir needed
bert_config_file needed
vocab_file needed
output_dir needed
init_checkpoint value
do_train switch false
do_eval switch false
do_predict switch false
crf switch true
do_lower_case switch true
max_seq_length value 128
train_batch_size value 32
eval_batch_size value 8
predict_batch_size value 8
learning_rate value 5e-5
num_train_epochs value 3.0
warmup_proportion value 0.1
save_checkpoints_steps value 1000
middle_output left a saved model has its labels in config.json
$tpu_flags"
read_flags "$@"
shift "$read_words"
case $flag_task_name in [nN][eE][rR]) ;; *) refuse "-task_name: found '$flag_task_name', expected ner" ;; esac
find_programs

# The tokenizer and the pieces that carry labels are those of that program.
train=false
if [ "$flag_do_train" = true ]; then
  [ -n "$flag_init_checkpoint" ] || refuse '-init_checkpoint is missing: from random weights it is run_ner that trains'
  train=true
  [ "$flag_do_eval" = false ] || set -- --do_eval --eval_data_file_path "$flag_data_dir/dev.txt" "$@"
  run run_ner --do_train --train_data_file_path "$flag_data_dir/train.txt" --load_pretrain_checkpoint_path "$flag_init_checkpoint" \
    --bert_config_file "$flag_bert_config_file" --vocab_file_path "$flag_vocab_file" --tokenizer google \
    --do_lower_case "$flag_do_lower_case" --seq_length "$flag_max_seq_length" --label_protocol x_pieces_no_sep \
    --use_crf="$flag_crf" --optimizer AdamWeightDecay --clip_type global --train_batch_size "$flag_train_batch_size" \
    --eval_batch_size "$flag_eval_batch_size" --learning_rate "$flag_learning_rate" --epoch_num "$flag_num_train_epochs" \
    --warmup_proportion "$flag_warmup_proportion" --save_checkpoint_steps "$flag_save_checkpoints_steps" \
    --save_finetune_checkpoint_path "$flag_output_dir" --resume auto "$@"
elif [ "$flag_do_eval" = true ]; then
  run run_ner --do_eval --eval_data_file_path "$flag_data_dir/dev.txt" --load_finetune_checkpoint_path "$flag_output_dir" \
    --eval_batch_size "$flag_eval_batch_size" --seq_length "$flag_max_seq_length" "$@"
fi
if [ "$flag_do_predict" = true ]; then
  [ $train = false ] || set --
  check_readable -data_dir "$flag_data_dir/test.txt"
  run run_ner --do_predict --predict_data_file_path "$flag_data_dir/test.txt" --predict_form columns \
    --load_finetune_checkpoint_path "$flag_output_dir" --eval_batch_size "$flag_predict_batch_size" \
    --seq_length "$flag_max_seq_length" "$@" >"$flag_output_dir/label_test.txt"
  "$programs/conlleval" <"$flag_output_dir/label_test.txt" >"$flag_output_dir/predict_score.txt"
  cat "$flag_output_dir/predict_score.txt"
elif [ "$flag_do_train$flag_do_eval" = falsefalse ]; then
  refuse 'nothing to do: expected --do_train, --do_eval or --do_predict'
fi
