#!/bin/sh
# scripts/run_pretrain_eval_ascend.sh of MindSpore's BERT: scores a pretrained model, on the processor where that one takes Ascend.
#   usage: bash run_pretrain_eval_ascend.sh [FLAGS_OF_RUN_PRETRAIN_EVAL...]
# Which model, and on what, say eval_ckpt and eval_data_dir of ./pretrain_config.yaml, or the flags of these names. The log goes to
# large_boost_eval.txt.
# example: bash run_pretrain_eval_ascend.sh --eval_ckpt=pretrain/ckpt --eval_data_dir=cn-wiki-128/
set -eu
. "$(dirname -- "$(readlink -f -- "$0")")/../common.sh"
. "$here/launchers.sh"
case ${1:-} in --help | -h) usage; exit 0 ;; esac
find_programs
find_settings pretrain_config.yaml "$@"
run_logged large_boost_eval.txt run_pretrain_eval ${settings:+"$settings"} "$@"
grep accuracy large_boost_eval.txt
