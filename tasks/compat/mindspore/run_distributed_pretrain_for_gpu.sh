#!/bin/sh
# scripts/run_distributed_pretrain_for_gpu.sh of MindSpore's BERT: pretrains on the GPUs of this machine, a process each.
#   usage: bash run_distributed_pretrain_for_gpu.sh DEVICE_NUM EPOCH_SIZE DATA_DIR [SCHEMA_DIR] [FLAGS_OF_RUN_PRETRAIN...]
# Settings are those of ./pretrain_config.yaml, where it is there. A vocabulary has to be named, --vocab_file_path. The log, all processes' together,
# goes to log.txt. With --device_target=CPU the processes share the processor.
# example: bash run_distributed_pretrain_for_gpu.sh 8 40 cn-wiki-128/ --vocab_file_path=vocab.txt
set -eu
. "$(dirname -- "$(readlink -f -- "$0")")/../common.sh"
. "$here/launchers.sh"
case ${1:-} in --help | -h) usage; exit 0 ;; esac
[ $# -ge 3 ] || refuse "found $# arguments, expected DEVICE_NUM, EPOCH_SIZE and DATA_DIR"
check_count DEVICE_NUM "$1"
devices=$1
shift
take_data "$@"
shift "$taken"
find_programs
find_settings pretrain_config.yaml "$@"
run_processes log.txt "$devices" run_pretrain ${settings:+"$settings"} --device_target=GPU --distribute=true --epoch_size="$epochs" \
  --enable_save_ckpt=true --enable_lossscale=true --do_shuffle=true --enable_data_sink=true --data_sink_steps=20 \
  --save_checkpoint_steps=10000 --save_checkpoint_num=1 --data_dir="$data" ${schema:+"$schema"} "$@"
