#!/bin/sh
# run_classifier.py of google-research/bert, and of its port to Ascend, as run_classifier, by its own flags.
#   usage: sh run_classifier.sh FLAGS... [-- MORE_FLAGS_OF_RUN_CLASSIFIER...]
#   --task_name cola|mrpc|mnli|xnli       or another of run_classifier
#   --data_dir FOLDER                     train.tsv, dev.tsv and test.tsv are in it; of MNLI train.tsv, dev_matched.tsv, test_matched.tsv, of mnli_mm
#                                         those of mismatched; of XNLI multinli/multinli.train.zh.tsv, xnli.dev.tsv, xnli.test.tsv, read in Chinese
#   --bert_config_file FILE --vocab_file FILE --init_checkpoint FILE
#   --output_dir FOLDER                   the models, eval_results.txt, test_results.tsv; a run that is started again goes on
#   --do_train, --do_eval, --do_predict   what to do (false)
#   --do_lower_case true|false (true)     --max_seq_length N (128)     --learning_rate X (5e-5)
#   --train_batch_size N (32)             --eval_batch_size N, --predict_batch_size N (8)
#   --num_train_epochs N (3.0)            --warmup_proportion X (0.1)  --save_checkpoints_steps N (1000)
# Flags of TPUs and of Ascend are left, each with a word why.
# example: sh run_classifier.sh --task_name=MRPC --do_train=true --do_eval=true --data_dir=glue_data/MRPC --vocab_file=bert/vocab.txt \
#            --bert_config_file=bert/bert_config.json --init_checkpoint=bert/bert_model.ckpt --learning_rate=2e-5 --output_dir=mrpc_output
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
do_lower_case switch true
max_seq_length value 128
train_batch_size value 32
eval_batch_size value 8
predict_batch_size value 8
learning_rate value 5e-5
num_train_epochs value 3.0
warmup_proportion value 0.1
save_checkpoints_steps value 1000
manual_fp16 left -- --compute_type says the number type
use_fp16 left -- --compute_type says the number type
use_fp16_cls left the head computes in fp32
display_loss_steps left -- --log_steps says how often to tell
report_loss left the loss is told
distributed left -- --distribute under mpirun trains on several processes
npu_bert_fused_gelu left of Ascend
npu_bert_debug left of Ascend
npu_bert_use_tdt left of Ascend
npu_bert_npu_dropout left of Ascend
npu_bert_clip_by_global_norm left gradients are clipped to a norm of 1 together
npu_bert_loss_scale left -- --enable_lossscale scales the loss
hcom_parallel left of Ascend
$tpu_flags"
read_flags "$@"
shift "$read_words"
[ "$flag_do_train$flag_do_eval$flag_do_predict" != falsefalsefalse ] || refuse 'nothing to do: expected --do_train, --do_eval or --do_predict'
find_programs

train=train.tsv dev=dev.tsv test=test.tsv
case $flag_task_name in
  [Mm][Nn][Ll][Ii]) dev=dev_matched.tsv test=test_matched.tsv ;;
  [Mm][Nn][Ll][Ii][-_][Mm][Mm]) dev=dev_mismatched.tsv test=test_mismatched.tsv ;;
  [Xx][Nn][Ll][Ii])
    train=multinli/multinli.train.zh.tsv dev=xnli.dev.tsv test=xnli.test.tsv
    set -- --language zh "$@" ;;
esac
[ "$flag_do_eval" = false ] || set -- --do_eval --eval_data_file_path "$flag_data_dir/$dev" "$@"
[ "$flag_do_predict" = false ] || set -- --do_predict --predict_data_file_path "$flag_data_dir/$test" "$@"
if [ "$flag_do_train" = true ]; then
  [ -n "$flag_init_checkpoint" ] || refuse '-init_checkpoint is missing: from random weights it is the program run_classifier that trains'
  run run_classifier --do_train --task_name "$flag_task_name" --train_data_file_path "$flag_data_dir/$train" \
    --load_pretrain_checkpoint_path "$flag_init_checkpoint" --bert_config_file "$flag_bert_config_file" \
    --vocab_file_path "$flag_vocab_file" --tokenizer google --do_lower_case "$flag_do_lower_case" --seq_length "$flag_max_seq_length" \
    --optimizer AdamWeightDecay --clip_type global --train_batch_size "$flag_train_batch_size" --eval_batch_size "$flag_eval_batch_size" \
    --learning_rate "$flag_learning_rate" --epoch_num "$flag_num_train_epochs" --warmup_proportion "$flag_warmup_proportion" \
    --save_checkpoint_steps "$flag_save_checkpoints_steps" --save_finetune_checkpoint_path "$flag_output_dir" --resume auto "$@"
else
  batch_size=$flag_eval_batch_size
  [ "$flag_do_eval" = true ] || batch_size=$flag_predict_batch_size
  run run_classifier --task_name "$flag_task_name" --load_finetune_checkpoint_path "$flag_output_dir" --eval_batch_size "$batch_size" \
    --seq_length "$flag_max_seq_length" --output_dir "$flag_output_dir" "$@"
fi
