#!/bin/sh
# run_squad.py of google-research/bert as run_squad, by its own flags.
#   usage: sh run_squad.sh FLAGS... [-- MORE_FLAGS_OF_RUN_SQUAD...]
#   --train_file FILE --predict_file FILE   questions in SQuAD's form; those of --predict_file are answered, and scored where they have answers
#   --bert_config_file FILE --vocab_file FILE --init_checkpoint FILE
#   --output_dir FOLDER                     the models, predictions.json, nbest_predictions.json, null_odds.json; a run that is started again goes on
#   --do_train, --do_predict                what to do (false)
#   --do_lower_case, --version_2_with_negative   true or false (true; false)
#   --max_seq_length N (384)     --doc_stride N (128)        --max_query_length N (64)     --train_batch_size N (32)
#   --predict_batch_size N (8)   --learning_rate X (5e-5)    --num_train_epochs N (3.0)    --warmup_proportion X (0.1)
#   --n_best_size N (20)         --max_answer_length N (30)  --null_score_diff_threshold X (0.0)   --save_checkpoints_steps N (1000)
# example: sh run_squad.sh --do_train=True --train_file=train-v1.1.json --do_predict=True --predict_file=dev-v1.1.json --vocab_file=bert/vocab.txt \
#            --bert_config_file=bert/bert_config.json --init_checkpoint=bert/bert_model.ckpt --train_batch_size=12 --learning_rate=3e-5 --output_dir=squad
set -eu
. "$(dirname -- "$(readlink -f -- "$0")")/../common.sh"
flags="
train_file value
predict_file value
bert_config_file needed
vocab_file needed
output_dir needed
init_checkpoint value
do_train switch false
do_predict switch false
do_lower_case switch true
version_2_with_negative switch false
max_seq_length value 384
doc_stride value 128
max_query_length value 64
train_batch_size value 32
predict_batch_size value 8
learning_rate value 5e-5
num_train_epochs value 3.0
warmup_proportion value 0.1
n_best_size value 20
max_answer_length value 30
null_score_diff_threshold value 0.0
save_checkpoints_steps value 1000
verbose_logging left everything is told
$tpu_flags"
read_flags "$@"
shift "$read_words"
[ "$flag_do_train$flag_do_predict" != falsefalse ] || refuse 'nothing to do: expected --do_train or --do_predict'
find_programs

if [ "$flag_do_predict" = true ]; then
  [ -n "$flag_predict_file" ] || refuse '-predict_file is missing'
  set -- --do_eval --eval_data_file_path "$flag_predict_file" "$@"
fi
# Without the switch for questions that have no answer there is no threshold to speak of.
[ "$flag_version_2_with_negative" = false ] || set -- --null_score_diff_threshold "$flag_null_score_diff_threshold" "$@"
set -- --seq_length "$flag_max_seq_length" --doc_stride "$flag_doc_stride" --max_query_length "$flag_max_query_length" \
  --n_best_size "$flag_n_best_size" --max_answer_length "$flag_max_answer_length" --eval_batch_size "$flag_predict_batch_size" \
  --output_dir "$flag_output_dir" "$@"
if [ "$flag_do_train" = true ]; then
  [ -n "$flag_train_file" ] || refuse '-train_file is missing'
  [ -n "$flag_init_checkpoint" ] || refuse '-init_checkpoint is missing: from random weights it is the program run_squad that trains'
  run run_squad --do_train --train_data_file_path "$flag_train_file" --load_pretrain_checkpoint_path "$flag_init_checkpoint" \
    --bert_config_file "$flag_bert_config_file" --vocab_file_path "$flag_vocab_file" --tokenizer google --do_lower_case "$flag_do_lower_case" \
    --version_2_with_negative "$flag_version_2_with_negative" --optimizer AdamWeightDecay --clip_type global \
    --train_batch_size "$flag_train_batch_size" --learning_rate "$flag_learning_rate" --epoch_num "$flag_num_train_epochs" \
    --warmup_proportion "$flag_warmup_proportion" --save_checkpoint_steps "$flag_save_checkpoints_steps" \
    --save_finetune_checkpoint_path "$flag_output_dir" --resume auto "$@"
else
  run run_squad --load_finetune_checkpoint_path "$flag_output_dir" "$@"
fi
