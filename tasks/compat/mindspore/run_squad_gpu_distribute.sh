#!/bin/sh
# scripts/run_squad_gpu_distribute.sh of DeepSpark's BERT: fine-tunes for questions on several GPUs of this machine, a process each, for one epoch in
# batches of 12 windows of 512 pieces, and scores.
#   usage: bash run_squad_gpu_distribute.sh DEVICE_NUM [FLAGS_OF_RUN_SQUAD...]
# The data lie where that page puts them: ./squad has train.tf_record, dev-v1.1.json, vocab.txt and the checkpoint
# bert_large_ascend_v130_enwiki_official_nlp_bs768_loss1.1.ckpt with bert_config.json beside it. The log goes to squad.txt. With
# --device_target=CPU the processes share the processor.
# example: bash run_squad_gpu_distribute.sh 8
set -eu
. "$(dirname -- "$(readlink -f -- "$0")")/../common.sh"
. "$here/launchers.sh"
case ${1:-} in --help | -h) usage; exit 0 ;; esac
[ $# -ge 1 ] || refuse 'found 0 arguments, expected DEVICE_NUM'
check_count DEVICE_NUM "$1"
devices=$1
shift
find_programs
run_processes squad.txt "$devices" run_squad --distribute=true --device_target=GPU --do_train=true --do_eval=true --epoch_num=1 \
  --train_batch_size=12 --seq_length=512 --dataset_format=tfrecord --train_data_file_path=squad/train.tf_record \
  --eval_json_path=squad/dev-v1.1.json --vocab_file_path=squad/vocab.txt \
  --load_pretrain_checkpoint_path=squad/bert_large_ascend_v130_enwiki_official_nlp_bs768_loss1.1.ckpt \
  --optimizer=AdamWeightDecay --learning_rate=1e-4 --end_learning_rate=1e-11 --power=5 --weight_decay=1e-3 --tokenizer=google "$@"
grep exact_match squad.txt
