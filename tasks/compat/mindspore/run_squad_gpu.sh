#!/bin/sh
# scripts/run_squad_gpu.sh of MindSpore's BERT: fine-tunes on a GPU, 3 epochs in batches of 32.
#   usage: bash run_squad_gpu.sh [DEVICE_ID] [FLAGS_OF_RUN_SQUAD...]
# The paths that are filled in there stand behind it as flags here. Settings are those of ./task_squad_config.yaml, where it is there. The log goes to
# squad_log.txt.
# example: bash run_squad_gpu.sh 0 --load_pretrain_checkpoint_path=bert/ --train_data_file_path=squad/train.mindrecord
set -eu
. "$(dirname -- "$(readlink -f -- "$0")")/../common.sh"
. "$here/launchers.sh"
fine_tune squad 3 GPU "$@"
