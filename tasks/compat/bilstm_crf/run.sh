#!/bin/sh
# run.py (bert-base-ner-train) of macanv/BERT-BiLSTM-CRF-NER as run_ner, by its own flags.
#   usage: sh run.sh FLAGS... [-- MORE_FLAGS_OF_RUN_NER...]
#   -do_train, -do_eval, -do_predict   turn these phases OFF, as there: without any of them all three run. Training and scoring go together
#   -data_dir FOLDER                   train.txt, dev.txt and test.txt are in it
#   -bert_config_file FILE -vocab_file FILE -init_checkpoint FILE
#   -output_dir FOLDER                 the models, label_test.txt and predict_score.txt. Nothing in it is deleted, whatever -clean says
#   -max_seq_length N (202)            -batch_size N (64)             -learning_rate X (1e-5)
#   -num_train_epochs N (10)           -warmup_proportion X (0.1)     -save_checkpoints_steps N (500)
#   -do_lower_case true|false (True)
# Others of that program's flags are left, each with a word why. What it trains is BERT with a CRF: the program's code has the LSTM switched off.
# "-- --with_lstm" adds one.
# example: sh run.sh -do_predict -data_dir NERdata -vocab_file model/vocab.txt -bert_config model/bert_config.json \
#            -init_checkpoint model/bert_model.ckpt -output_dir output -batch_size 32 -learning_rate 2e-5 -num_train_epochs 1
set -eu
. "$(dirname -- "$(readlink -f -- "$0")")/../common.sh"
flags='
data_dir needed
bert_config_file needed
vocab_file needed
init_checkpoint needed
output_dir needed
do_train off
do_eval off
do_predict off
max_seq_length value 202
batch_size value 64
learning_rate value 1e-5
num_train_epochs value 10
warmup_proportion value 0.1
save_checkpoints_steps value 500
do_lower_case switch true
clean left nothing is deleted: an output_dir with a model of another run is refused
device_map left -- --device_target CUDA --device_id N says where to compute
dropout_rate left it is what that program keeps before the head; --dropout says what is dropped, in the encoder too
clip left of no effect there: gradients are clipped to a norm of 1
lstm_size left of the LSTM, which that program does not train
num_layers left of the LSTM, which that program does not train
cell left of the LSTM, which that program does not train
save_summary_steps left --log_steps says how often to tell
filter_adam_var left the state of the optimizer is a file of its own
label_list left the labels are those of the data
verbose left everything is told
ner left names are all that run_ner labels
version left --version of run_ner says it
'
read_flags "$@"
shift "$read_words"
[ "$flag_do_train" = "$flag_do_eval" ] || refuse '-do_train, -do_eval: training and scoring go together, expected both or none'
[ "$flag_do_train$flag_do_predict" != falsefalse ] || refuse 'nothing to do: -do_train, -do_eval and -do_predict turn phases off'
find_programs
for phase in train eval predict; do eval "printf '%s: %s\n' \$phase \$flag_do_$phase"; done

if [ "$flag_do_train" = true ]; then
  # The pieces that carry labels are those of that program.
  run run_ner --do_train --do_eval --train_data_file_path "$flag_data_dir/train.txt" --eval_data_file_path "$flag_data_dir/dev.txt" \
    --load_pretrain_checkpoint_path "$flag_init_checkpoint" --bert_config_file "$flag_bert_config_file" \
    --vocab_file_path "$flag_vocab_file" --tokenizer google --do_lower_case "$flag_do_lower_case" --seq_length "$flag_max_seq_length" \
    --label_protocol x_pieces --use_crf --optimizer AdamWeightDecay --clip_type global --train_batch_size "$flag_batch_size" \
    --learning_rate "$flag_learning_rate" --epoch_num "$flag_num_train_epochs" --warmup_proportion "$flag_warmup_proportion" \
    --save_checkpoint_steps "$flag_save_checkpoints_steps" --save_finetune_checkpoint_path "$flag_output_dir" "$@"
  set --
fi
if [ "$flag_do_predict" = true ]; then
  check_readable -data_dir "$flag_data_dir/test.txt"
  run run_ner --do_predict --predict_data_file_path "$flag_data_dir/test.txt" --predict_form columns \
    --load_finetune_checkpoint_path "$flag_output_dir" --seq_length "$flag_max_seq_length" "$@" >"$flag_output_dir/label_test.txt"
  "$programs/conlleval" <"$flag_output_dir/label_test.txt" >"$flag_output_dir/predict_score.txt"
  cat "$flag_output_dir/predict_score.txt"
fi
