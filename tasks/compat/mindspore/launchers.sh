# What the launchers in this folder share; they read it, nobody runs it. Flags behind their own arguments go to the Gradus program: of one that is given
# twice the last counts. All wait for the program and end with its status ("&" behind the command puts it into the background).

# Puts the settings file of that name before the flags in $@ unless they name one: settings=--config_path=NAME, or nothing where there is none here.
find_settings() {
  settings=
  name=$1
  shift
  for word; do
    case $word in --config_path | --config_path=*) return 0 ;; esac
  done
  if [ -r "$name" ]; then settings=--config_path=$name; else printf 'there is no %s here: settings are the flags, and the defaults of the program\n' "$name"; fi
}

# fine_tune TASK EPOCHS DEVICE_TARGET [DEVICE_ID] [FLAGS...]
fine_tune() {
  task=$1 epochs=$2 device_target=$3 device_id=0
  shift 3
  case ${1:-} in --help | -h) usage; exit 0 ;; esac
  case ${1:--} in -*) ;; *) device_id=$1; shift ;; esac
  check_device "$device_id"
  find_programs
  find_settings "task_${task}_config.yaml" "$@"
  run_logged "${task}_log.txt" "run_$task" ${settings:+"$settings"} --device_target="$device_target" --do_train=true --do_eval=false \
    --device_id="$device_id" --epoch_num="$epochs" --train_data_shuffle=true --eval_data_shuffle=false --train_batch_size=32 \
    --eval_batch_size=1 "$@"
}

# pretrain LOG DEVICE_TARGET DATA_SINK_STEPS DEVICE_ID EPOCH_SIZE DATA_DIR [SCHEMA_DIR] [FLAGS...]
pretrain() {
  log=$1 device_target=$2 sink_steps=$3
  shift 3
  case ${1:-} in --help | -h) usage; exit 0 ;; esac
  [ $# -ge 3 ] || refuse "found $# arguments, expected DEVICE_ID, EPOCH_SIZE and DATA_DIR"
  check_device "$1"
  device_id=$1
  shift
  take_data "$@"
  shift "$taken"
  find_programs
  find_settings pretrain_config.yaml "$@"
  run_logged "$log" run_pretrain ${settings:+"$settings"} --device_target="$device_target" --distribute=false --epoch_size="$epochs" \
    --device_id="$device_id" --enable_save_ckpt=true --enable_lossscale=true --do_shuffle=true --enable_data_sink=true \
    --data_sink_steps="$sink_steps" --accumulation_steps=1 --save_checkpoint_steps=10000 --save_checkpoint_num=1 --data_dir="$data" \
    ${schema:+"$schema"} "$@"
}

# Reads EPOCH_SIZE DATA_DIR [SCHEMA_DIR].
take_data() {
  check_count EPOCH_SIZE "$1"
  check_readable DATA_DIR "$2"
  epochs=$1 data=$2 schema='' taken=2
  case ${3:--} in -*) ;; *) check_readable SCHEMA_DIR "$3"; schema=--schema_dir=$3 taken=3 ;; esac
}

# Runs a program in N processes of this machine, its log in a file: run_processes LOG N PROGRAM FLAGS...
run_processes() {
  log=$1 count=$2 program=$3
  shift 3
  command -v mpirun >/dev/null || fail 'mpirun is not there: several processes need Open MPI'
  run_logged "$log" mpirun --allow-run-as-root -n "$count" -H "localhost:$count" --map-by slot --bind-to none "$programs/$program" "$@"
}
