#!/bin/sh
# scripts/run_infer_cpp.sh of MindSpore's BERT: scores a trained model by files of inputs and results (docs/infer.md).
#   usage: bash run_infer_cpp.sh MODEL LABEL_PATH DATA_FILE_PATH DATASET_FORMAT SCHEMA_PATH TASK [VOCAB_FILE_PATH EVAL_JSON_PATH] NEED_PREPROCESS
#                                DEVICE_TYPE [DEVICE_ID] [FLAGS_OF_INFER...]
# MODEL is a trained model, or an ONNX file that export has written; a MINDIR file runs in MindSpore alone. TASK is ner, ner_crf, classifier or
# squad (or sqaud), and squad alone has VOCAB_FILE_PATH and EVAL_JSON_PATH. NEED_PREPROCESS is y, or n where preprocess_Result is there.
# DEVICE_TYPE is CPU or GPU; where it is Ascend, this one computes on the processor. What there is none of is ''. Tags are scored by BF1, as there;
# --assessment_method=span or another behind the arguments is. The score stands in acc.log.
# example: bash run_infer_cpp.sh ner_finetune/ckpt ClueNER/label_list.txt ClueNER/dev.mindrecord mindrecord '' ner y CPU
set -eu
. "$(dirname -- "$(readlink -f -- "$0")")/../common.sh"
case ${1:-} in --help | -h) usage; exit 0 ;; esac
[ $# -ge 8 ] || refuse "found $# arguments, expected MODEL, LABEL_PATH, DATA_FILE_PATH, DATASET_FORMAT, SCHEMA_PATH, TASK, NEED_PREPROCESS and DEVICE_TYPE"
model=$1 labels=$2 data=$3 format=$4 schema=$5 task=$6
shift 6
vocab='' questions='' method=''
case $task in
  ner | ner_crf) method=BF1 ;;
  classifier) ;;
  squad | sqaud)
    [ $# -ge 4 ] || refuse 'TASK squad: expected VOCAB_FILE_PATH and EVAL_JSON_PATH before NEED_PREPROCESS and DEVICE_TYPE'
    task=squad vocab=$1 questions=$2
    shift 2 ;;
  *) refuse "TASK: found '$task', expected ner, ner_crf, classifier or squad" ;;
esac
need=$1 device=$2 device_id=0
shift 2
case ${1:--} in -*) ;; *) device_id=$1; shift ;; esac
check_device "$device_id"
case $need in y | n) ;; *) refuse "NEED_PREPROCESS: found '$need', expected y or n" ;; esac
case $device in
  CPU | GPU) ;;
  Ascend*) device=CPU; printf 'left: DEVICE_TYPE Ascend: the processor computes\n' ;;
  *) refuse "DEVICE_TYPE: found '$device', expected CPU, GPU or Ascend" ;;
esac
check_readable MODEL "$model"
# The files of inputs are the data where these are not prepared.
[ $need = n ] && [ -z "$data" ] || check_readable DATA_FILE_PATH "$data"
case $model in
  *.mindir) fail "MODEL: found '$model', which runs in MindSpore alone: give the trained model, or its ONNX file" ;;
  *.onnx) model=--exported_file=$model ;;
  *) model=--load_finetune_checkpoint_path=$model ;;
esac
case $task in
  squad) [ -z "$labels" ] || printf 'left: LABEL_PATH: answers have no labels\n'; labels='' ;;
  *) ;;
esac
find_programs
infer() {
  stage=$1
  shift
  run infer --task="$task" --stage="$stage" "$model" --dataset_format="$format" ${data:+"--eval_data_file_path=$data"} \
    ${labels:+"--label_file_path=$labels"} ${schema:+"--schema_file_path=$schema"} ${vocab:+"--vocab_file_path=$vocab"} \
    ${questions:+"--eval_json_path=$questions"} ${method:+"--assessment_method=$method"} --eval_batch_size=1 --device_target="$device" \
    --device_id="$device_id" "$@"
}
if [ $need = y ]; then infer all "$@"; else
  infer infer "$@"
  infer postprocess "$@"
fi
