#!/bin/sh
# From text to what pretraining is good for: pretrains a small NEZHA on the text, or on records that it makes of it, fine-tunes it for names and
# for classes, and beside it the same model from random weights. Ends with a table of both, and a picture of how they learned. Called again
# after it was stopped, it goes on. docs/recipes/pretraining.md shows what comes out.
set -eu

usage() {
  cat <<'END'
usage: sh tasks/pretrain_chain.sh --text FILES --vocab FILE --output FOLDER [OPTION...]
  --text FILES             text to pretrain on, wikiextractor's or plain: what run_pretrain takes as --input_file
  --vocab FILE             word pieces, one a line
  --output FOLDER          what is made: pretrained/, fine_tuned/, results/, with --records also records/
  --records                make records of the text first, its masks drawn five times; without it every epoch has masks of its own
  --held_out FILES         other text, to score the pretraining on
  --steps N                updates of the pretraining (6000)
  --ner NAME TRAIN DEV     fine-tune for names: columns, one word a line; may occur again
  --classify TASK TRAIN DEV
                           fine-tune for classes, a --task_name of run_classifier (cola, tnews, ...); may occur again
  --results FOLDER         where the table's numbers go, several chains' together for one table (results/ of --output)
  --threads N              threads to compute with; 0: one per core (0)
GRADUS_PROGRAMS names the folder of the programs; without it they are built.
example: sh tasks/pretrain_chain.sh --text wiki/AA --vocab uncased.txt --output chain --ner conll2003 train.txt dev.txt \
           --classify cola train.tsv dev.tsv
END
}

fail() {
  printf 'error: %s\n' "$1" >&2
  exit 2
}
refuse() { fail "$1 (--help lists what is allowed)"; }

top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
text='' vocab='' output='' held_out='' steps=6000 results='' threads=0 records=no tasks=' '

check_number() {
  case $2 in
    '' | *[!0-9]* | 0[0-9]*) refuse "$1 '$2': expected a whole number" ;;
  esac
}

check_readable() { [ -r "$2" ] || fail "$1: cannot read '$2'"; }

# A task's name is one of a folder, and of no other task.
check_name() {
  case $2 in
    '' | . | .. | -* | */* | *' '*) refuse "$1 '$2': expected a name without blanks and '/'" ;;
  esac
  case $tasks in *" $2 "*) refuse "$1 '$2': there is a task of that name already" ;; esac
  tasks="$tasks$2 "
}

# Reads the options. The tasks among them are left to fine_tune_all, which reads them again.
read_options() {
  while [ $# -gt 0 ]; do
    values=1
    case $1 in
      --help | -h) usage; exit 0 ;;
      --text | --vocab | --output | --held_out | --steps | --results | --threads) ;;
      --records) records=yes; shift; continue ;;
      --ner | --classify) values=3 ;;
      *) refuse "'$1': no such option" ;;
    esac
    if [ $# -le $values ]; then
      if [ $values -eq 1 ]; then refuse "$1: expected its value"; else refuse "$1: expected a name, training data and evaluation data"; fi
    fi
    case $1 in
      --text) text=$2 ;;
      --vocab) vocab=$2 ;;
      --output) output=$2 ;;
      --held_out) held_out=$2 ;;
      --steps) check_number "$1" "$2"; steps=$2 ;;
      --results) results=$2 ;;
      --threads) check_number "$1" "$2"; threads=$2 ;;
      *) check_name "$1" "$2"; check_readable "$1" "$3"; check_readable "$1" "$4" ;;
    esac
    shift $((values + 1))
  done
  [ -n "$text" ] || refuse '--text is missing'
  [ -n "$vocab" ] || refuse '--vocab is missing'
  [ -n "$output" ] || refuse '--output is missing'
  check_readable --vocab "$vocab"
  results=${results:-$output/results}
}

build_programs() {
  sh "$top/tasks/install_packages.sh"
  [ -e "$top/build/build.ninja" ] || meson setup "$top/build" "$top"
  meson compile -C "$top/build" gradus_cpu generate_pretraining_records run_pretrain run_ner run_classifier compare_runs
  programs=$top/build/tasks
}

# Notes in FILE what is made with; what is there already, of an earlier call, has to be the same.
note_settings() {
  if [ -e "$1" ] && [ "$(cat "$1")" != "$2" ]; then
    fail "'$1' tells that this was begun with '$(cat "$1")', now it is '$2': take another --output"
  fi
  printf '%s\n' "$2" >"$1"
}

# run_training METRICS_FILE PROGRAM OPTION...: the file is written when the training is through, not when it was stopped.
run_training() {
  metrics=$1 program=$2
  shift 2
  rm -f -- "$metrics"
  "$programs/$program" --metrics_file "$metrics" "$@"
  [ -e "$metrics" ] || { echo "stopped: the same call goes on" >&2; exit 130; }
}

# The shape of both models, pretrained and not: words know their distances (NEZHA). With positions such a small model, on so little text, learns
# for hours little more than how often words occur.
shape='--hidden_size 256 --num_hidden_layers 4 --num_attention_heads 4 --intermediate_size 1024 --relative_positions sinusoid'
# What a small model on little text needs: short examples, small steps, no dropout.
length='--max_seq_length 64'

make_records() {
  # shellcheck disable=SC2086  # $length is several words
  "$programs/generate_pretraining_records" --vocab_file "$vocab" --threads "$threads" $length "$@"
}

pretrain() {
  note_settings "$output/settings" "$steps steps on $text, records: $records, held out $held_out, $vocab"
  source="--input_file=$text" score="--eval_input_file=$held_out"
  if [ $records = yes ]; then
    make_records --input_file "$text" --output_dir "$output/records"
    source=--data_dir=$output/records
    if [ -n "$held_out" ]; then
      make_records --input_file "$held_out" --output_dir "$output/held_out_records" --dupe_factor 1
      score=--eval_data_dir=$output/held_out_records
    fi
  fi
  if [ -n "$held_out" ]; then set -- "$score" --do_eval --eval_steps $(((steps + 11) / 12)); else set --; fi
  # shellcheck disable=SC2086
  run_training "$output/pretraining.json" run_pretrain --do_train "$source" --vocab_file_path "$vocab" $shape $length \
    --train_batch_size 16 --dropout 0 --learning_rate 1e-3 --threads "$threads" --train_steps "$steps" \
    --save_checkpoint_path "$output/pretrained" --save_checkpoint_steps 500 --resume auto --report "$output/pretraining.html" \
    --log_dir "$output/events" "$@"
}

# fine_tune NAME PROGRAM TRAIN DEV OPTION...: from scratch and from the pretrained model, everything else alike.
fine_tune() {
  name=$1 tuner=$2 train=$3 dev=$4
  shift 4
  made=$output/fine_tuned/$name
  [ -e "$made" ] || [ ! -e "$results/$name" ] || fail "'$results/$name' is there, of another chain: take another name or --results"
  mkdir -p -- "$made" "$results/$name"
  note_settings "$made/settings" "$train, $dev"
  for start in scratch pretrained; do
    if [ ! -e "$made/$start.json" ]; then
      (
        if [ $start = scratch ]; then
          # shellcheck disable=SC2086
          set -- --vocab_file_path "$vocab" $shape "$@"
        else
          set -- --load_pretrain_checkpoint_path "$output/pretrained" "$@"
        fi
        run_training "$made/$start.json" "$tuner" --do_train --do_eval --train_data_file_path "$train" --eval_data_file_path "$dev" \
          --learning_rate 3e-4 --save_finetune_checkpoint_path "$made/$start" --resume auto --threads "$threads" "$@"
      )
    fi
    cp -- "$made/$start.json" "$results/$name/$start.json"
  done
}

fine_tune_all() {
  while [ $# -gt 0 ]; do
    case $1 in
      --ner) fine_tune "$2" run_ner "$3" "$4" --epoch_num 5; shift 4 ;;
      --classify) fine_tune "$2" run_classifier "$3" "$4" --task_name "$2" --epoch_num 3; shift 4 ;;
      --records) shift ;;
      *) shift 2 ;;
    esac
  done
}

read_options "$@"
programs=${GRADUS_PROGRAMS:-}
[ -n "$programs" ] || build_programs
mkdir -p -- "$output"
pretrain
fine_tune_all "$@"
if [ "$tasks" != ' ' ]; then
  "$programs/compare_runs" --folder "$results" --runs scratch,pretrained --picture "$results/curves.svg"
  printf 'picture: %s\n' "$results/curves.svg"
fi
