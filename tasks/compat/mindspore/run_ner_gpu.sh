#!/bin/sh
# scripts/run_ner_gpu.sh of MindSpore's BERT: fine-tunes on a GPU, 5 epochs in batches of 32.
#   usage: bash run_ner_gpu.sh [DEVICE_ID] [FLAGS_OF_RUN_NER...]
# The paths that are filled in there stand behind it as flags here. Settings are those of ./task_ner_config.yaml, where it is there. The log goes to
# ner_log.txt.
# example: bash run_ner_gpu.sh 0 --load_pretrain_checkpoint_path=bert/ --train_data_file_path=ner/train.mindrecord
set -eu
. "$(dirname -- "$(readlink -f -- "$0")")/../common.sh"
. "$here/launchers.sh"
fine_tune ner 5 GPU "$@"
