#!/bin/sh
# train_full_1p.sh of the port of google-research/bert to Ascend: fine-tunes BERT on a table of GLUE on one device, scores it, and prints accuracy and time.
#   usage: sh train_full_1p.sh --data_path=FOLDER --model_path=FOLDER [FLAGS...] [-- MORE_FLAGS_OF_RUN_CLASSIFIER...]
#   --data_path FOLDER            train.tsv and dev.tsv are in it
#   --model_path FOLDER           the pretrained model: bert_model.ckpt, bert_config.json and vocab.txt, or a folder of transformers; --ckpt_path is another
#                                 name of it
#   --task_name NAME (MRPC)       --train_batch_size N (32)    --learning_rate X (2e-5)
#   --num_train_epochs N (3.0)    --output_dir FOLDER (ckpt)
# The log goes to OUTPUT_DIR.log. example: bash train_full_1p.sh --data_path=glue_data/MRPC --model_path=BertBase_ckpt
set -eu
. "$(dirname -- "$(readlink -f -- "$0")")/../common.sh"
flags='
data_path needed
model_path value
ckpt_path value
task_name value MRPC
train_batch_size value 32
learning_rate value 2e-5
num_train_epochs value 3.0
output_dir value ckpt
'
read_flags "$@"
shift "$read_words"
model=${flag_model_path:-$flag_ckpt_path}
[ -n "$model" ] || refuse '-model_path is missing'
[ -z "$flag_ckpt_path" ] || [ "$model" = "$flag_ckpt_path" ] || refuse "-ckpt_path '$flag_ckpt_path' and -model_path '$model': expected one of them"
find_programs

begin=$(date +%s)
run_logged "$flag_output_dir.log" run_classifier --do_train --do_eval --task_name "$flag_task_name" \
  --train_data_file_path "$flag_data_path/train.tsv" --eval_data_file_path "$flag_data_path/dev.tsv" \
  --load_pretrain_checkpoint_path "$model" \
  --tokenizer google --seq_length 128 --optimizer AdamWeightDecay --clip_type global --train_batch_size "$flag_train_batch_size" \
  --learning_rate "$flag_learning_rate" --epoch_num "$flag_num_train_epochs" --save_finetune_checkpoint_path "$flag_output_dir" \
  --metrics_file "$flag_output_dir.json" "$@"
# The numbers of the metrics file stand a name a line.
number() { sed -n "s/^ *\"$1\": *\([-0-9.e+]*\),\{0,1\}\$/\1/p" "$flag_output_dir.json" | tail -n 1; }
printf '%s\n' '---------Final Result--------'
printf 'Final Precision Accuracy : %s\n' "$(sed -n 's/^eval_accuracy = //p' "$flag_output_dir/eval_results.txt")"
awk -v seconds="$(number seconds)" -v steps="$(number steps)" 'BEGIN { if (steps > 0) printf "Final Performance ms/step : %.2f\n", 1000 * seconds / steps }'
printf 'Final Training Duration sec : %s\n' $(($(date +%s) - begin))
