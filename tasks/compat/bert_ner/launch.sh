#!/bin/sh
# launch.sh of the GPU benchmark of BERT-CRF, with its four arguments and environment variables: trains on CoNLL-2003 and, where RUN_MODEL_FILE is the
# script for convergence, labels the test data and scores that with conlleval.
#   usage: sh launch.sh MODEL_NAME BATCH_SIZE DEVICE_COUNT PRECISION [MORE_FLAGS_OF_RUN_NER...]
#   MODEL_NAME          BERT-CRF
#   BATCH_SIZE          sentences in a batch; convergence: always 32
#   DEVICE_COUNT        1: that benchmark trains on one device
#   PRECISION           FP32, or TF32 on a GPU
#   DATASETS, DATASETS_DIR   the data are in $DATASETS_DIR/$DATASETS, or in $DATASETS_DIR: train.txt, dev.txt, test.txt (without it dev.txt is labelled)
#   RUN_MODEL_FILE      .../tf1-bert-crf.sh trains for an epoch, to see how fast that is; .../tf1-bert-crf-convergency.sh for four, and scores. The
#                       pretrained model is beside it, in cased_L-12_H-768_A-12/
#   CONT, CNDB_DIR, CODE_LINK and DOCKERFILE say how that benchmark makes its container: they are left.
# Models and logs go to logs/. example: DATASETS=CoNLL-2003 DATASETS_DIR=/data RUN_MODEL_FILE=./tf1-bert-crf.sh sh launch.sh BERT-CRF 32 1 FP32
set -eu
. "$(dirname -- "$(readlink -f -- "$0")")/../common.sh"
case ${1:-} in --help | -h) usage; exit 0 ;; esac
[ $# -ge 4 ] || refuse "found $# arguments, expected MODEL_NAME, BATCH_SIZE, DEVICE_COUNT and PRECISION"
model_name=$1 batch_size=$2 device_count=$3 precision=$4
shift 4
[ "$model_name" = BERT-CRF ] || refuse "MODEL_NAME: found '$model_name', expected BERT-CRF"
check_count BATCH_SIZE "$batch_size"
[ "$device_count" = 1 ] || refuse "DEVICE_COUNT: found '$device_count', expected 1: several processes train by mpirun -n N run_ner --distribute"
case $precision in
  FP32) ;;
  TF32) set -- --tf32 "$@" ;;
  *) refuse "PRECISION: found '$precision', expected FP32 or TF32" ;;
esac
for name in DATASETS DATASETS_DIR RUN_MODEL_FILE; do
  eval "value=\${$name:-}"
  [ -n "$value" ] || refuse "the environment variable $name is missing"
done
for name in CONT CNDB_DIR CODE_LINK DOCKERFILE; do
  eval "value=\${$name:-}"
  [ -z "$value" ] || printf 'left: %s: nothing runs in a container here\n' "$name"
done
data=$DATASETS_DIR/$DATASETS
[ -d "$data" ] || data=$DATASETS_DIR
test=$data/test.txt
if [ ! -r "$test" ]; then
  test=$data/dev.txt
  printf 'there is no %s: %s is labelled\n' "$data/test.txt" "$test"
fi
epochs=1
case ${RUN_MODEL_FILE##*/} in
  tf1-bert-crf.sh) ;;
  tf1-bert-crf-convergency.sh)
    epochs=4
    [ "$batch_size" = 32 ] || printf 'left: BATCH_SIZE %s: convergence is measured with 32\n' "$batch_size"
    batch_size=32 ;;
  *) refuse "RUN_MODEL_FILE: found '$RUN_MODEL_FILE', expected tf1-bert-crf.sh or tf1-bert-crf-convergency.sh" ;;
esac
model=$(dirname -- "$RUN_MODEL_FILE")/cased_L-12_H-768_A-12
check_readable RUN_MODEL_FILE "$model"
find_programs

mkdir -p logs
name=${RUN_MODEL_FILE##*/}
name=${name%.sh}
# The tokenizer and the pieces that carry labels are those of BERT_NER.py.
run_logged "logs/$name.txt" run_ner --do_train --train_data_file_path "$data/train.txt" --load_pretrain_checkpoint_path "$model" \
  --do_lower_case false --tokenizer google --label_protocol x_pieces_no_sep --use_crf --optimizer AdamWeightDecay --clip_type global \
  --train_batch_size "$batch_size" --learning_rate 2e-5 --epoch_num $epochs --save_finetune_checkpoint_path "logs/$name" "$@"
grep 'sentences/s' "logs/$name.txt" | tail -n 1
[ $epochs -eq 4 ] || exit 0
run run_ner --do_predict --predict_data_file_path "$test" --predict_form columns --load_finetune_checkpoint_path "logs/$name" \
  >logs/label_test.txt
"$programs/conlleval" <logs/label_test.txt >logs/predict_score.txt
cat logs/predict_score.txt
