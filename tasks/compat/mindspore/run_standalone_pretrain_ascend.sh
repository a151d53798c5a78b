#!/bin/sh
# scripts/run_standalone_pretrain_ascend.sh of MindSpore's BERT: pretrains on one device, the processor, where that one takes Ascend.
#   usage: bash run_standalone_pretrain_ascend.sh DEVICE_ID EPOCH_SIZE DATA_DIR [SCHEMA_DIR] [FLAGS_OF_RUN_PRETRAIN...]
# Settings are those of ./pretrain_config.yaml, where it is there. A vocabulary has to be named, --vocab_file_path: it goes into what is saved. The
# log goes to pretraining_log.txt.
# example: bash run_standalone_pretrain_ascend.sh 0 1 cn-wiki-128/ --vocab_file_path=vocab.txt
set -eu
. "$(dirname -- "$(readlink -f -- "$0")")/../common.sh"
. "$here/launchers.sh"
pretrain pretraining_log.txt CPU 100 "$@"
