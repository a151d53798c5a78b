#!/bin/sh
# run_pretraining.py of google-research/bert as run_pretrain, by its own flags.
#   usage: sh run_pretraining.sh FLAGS... [-- MORE_FLAGS_OF_RUN_PRETRAIN...]
#   --input_file FILE              TFRecord examples, a file or a folder of them; what is scored are these, too
#   --bert_config_file FILE        the shape of the model; vocab.txt lies beside it
#   --init_checkpoint FILE         a model to train further (none: random weights)
#   --output_dir FOLDER            the models and eval_results.txt; a run that is started again goes on
#   --do_train, --do_eval          what to do (false)
#   --max_seq_length N (128)       --train_batch_size N (32)     --eval_batch_size N (8)      --learning_rate X (5e-5)
#   --num_train_steps N (100000)   --num_warmup_steps N (10000)  --save_checkpoints_steps N (1000)
# example: sh run_pretraining.sh --input_file=tf_examples.tfrecord --output_dir=pretraining_output --do_train=True --do_eval=True \
#            --bert_config_file=bert/bert_config.json --train_batch_size=32 --num_train_steps=20 --num_warmup_steps=10 --learning_rate=2e-5
set -eu
. "$(dirname -- "$(readlink -f -- "$0")")/../common.sh"
flags="
input_file needed
bert_config_file needed
output_dir needed
init_checkpoint value
do_train switch false
do_eval switch false
max_seq_length value 128
max_predictions_per_seq left the records have it
train_batch_size value 32
eval_batch_size value 8
learning_rate value 5e-5
num_train_steps value 100000
num_warmup_steps value 10000
save_checkpoints_steps value 1000
max_eval_steps left all records are scored
$tpu_flags"
read_flags "$@"
shift "$read_words"
[ "$flag_do_train$flag_do_eval" != falsefalse ] || refuse 'nothing to do: expected --do_train or --do_eval'
case $flag_input_file in *[*?,]*) refuse "-input_file: found '$flag_input_file', expected one file, or the folder of several" ;; esac
find_programs

vocab=$(dirname -- "$flag_bert_config_file")/vocab.txt
[ "$flag_do_eval" = false ] || set -- --do_eval --eval_data_dir "$flag_input_file" "$@"
set -- --dataset_format tfrecord --max_seq_length "$flag_max_seq_length" --eval_batch_size "$flag_eval_batch_size" \
  --vocab_file_path "$vocab" --output_dir "$flag_output_dir" "$@"
if [ "$flag_do_train" = true ]; then
  [ -z "$flag_init_checkpoint" ] || set -- --load_checkpoint_path "$flag_init_checkpoint" "$@"
  run run_pretrain --do_train --data_dir "$flag_input_file" --bert_config_file "$flag_bert_config_file" --tokenizer google \
    --optimizer AdamWeightDecay --clip_type global --train_batch_size "$flag_train_batch_size" --learning_rate "$flag_learning_rate" \
    --train_steps "$flag_num_train_steps" --epoch_num 1000000 --warmup_steps "$flag_num_warmup_steps" \
    --save_checkpoint_steps "$flag_save_checkpoints_steps" --save_checkpoint_path "$flag_output_dir" --resume auto "$@"
else
  run run_pretrain_eval --eval_ckpt "$flag_output_dir" "$@"
fi
