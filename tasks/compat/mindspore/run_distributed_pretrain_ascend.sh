#!/bin/sh
# scripts/run_distributed_pretrain_ascend.sh of MindSpore's BERT: pretrains on all devices of a rank table, a process each, over mpirun.
#   usage: bash run_distributed_pretrain_ascend.sh DATA_DIR RANK_TABLE_JSON [FLAGS_OF_RUN_PRETRAIN...]
# Settings are those of ./scripts/ascend_distributed_launcher/hyper_parameter_config.ini. The script that mpirun is started by is kept as
# ./distributed_cmd.sh, the log in pretraining_log.txt.
# example: bash run_distributed_pretrain_ascend.sh cn-wiki-128/ hccl.json --vocab_file_path=vocab.txt
set -eu
. "$(dirname -- "$(readlink -f -- "$0")")/../common.sh"
case ${1:-} in --help | -h) usage; exit 0 ;; esac
[ $# -ge 2 ] || refuse "found $# arguments, expected DATA_DIR and RANK_TABLE_JSON"
check_readable DATA_DIR "$1"
check_readable RANK_TABLE_JSON "$2"
data=$1 table=$2
shift 2
find_programs
run get_distribute_pretrain_cmd --hyper_parameter_config_dir ./scripts/ascend_distributed_launcher/hyper_parameter_config.ini \
  --data_dir "$data" --hccl_config "$table" --cmd_file ./distributed_cmd.sh
printf 'log: pretraining_log.txt\n'
show sh ./distributed_cmd.sh "$@"
status=0
sh ./distributed_cmd.sh "$@" >pretraining_log.txt 2>&1 || status=$?
[ $status -eq 0 ] || tail -n 3 pretraining_log.txt >&2
exit $status
