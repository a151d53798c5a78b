#!/bin/sh
# Checks the CUDA backend on a GPU, from what tests/gpu/pack.sh took along: neither a network nor the project's packages are needed. Each step
# is a line PASS, FAIL or SKIP with its seconds; those after a failure run all the same. The last line is "N passed, N failed, N skipped",
# the exit status 0 when none failed.
#   usage: sh tests/gpu/check.sh [--emulated] PACKED [PART[=SECONDS]]...
#     PACKED        the folder or the archive that pack.sh made
#     PART          ops: the table of all operators; bits: the same seed gives the same bits; sanitizer: compute-sanitizer's memcheck and
#                   racecheck on small cases; drivers: the three on real data; bench: beside PyTorch. All of them, when none is named
#     SECONDS       what the part may take; a step that would take longer fails
#     --emulated    on the emulated device, with tiny sizes: whether this script itself works
#   Into the folder $OUT (build-gpu-check) go table.md, for docs/benchmarks.md, and check.log with all that the programs said.
#   GRADUS_PYTHON is a Python with PyTorch, for the benchmarks (python3).
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
top=$(dirname -- "$(dirname -- "$here")")
usage() { sed -n 's/^# *usage: */usage: /p' "$0" >&2; exit 2; }
emulated=
[ "${1:-}" != --emulated ] || { emulated=--few; shift; }
[ $# -gt 0 ] || usage
packed=$1
shift
[ $# -gt 0 ] || set -- ops bits sanitizer drivers bench
for part in "$@"; do
  case $part in
    ops | bits | sanitizer | drivers | bench | ops=[1-9]* | bits=[1-9]* | sanitizer=[1-9]* | drivers=[1-9]* | bench=[1-9]*) ;;
    *) echo "error: '$part': expected ops, bits, sanitizer, drivers or bench, each with =SECONDS if wanted" >&2; exit 2 ;;
  esac
done
out=${OUT:-build-gpu-check}
mkdir -p "$out"
out=$(cd "$out" && pwd)
log=$out/check.log
table=$out/table.md
: >"$log"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
if [ -f "$packed" ]; then
  python3 -m tarfile -e "$packed" "$scratch"
  packed=$(dirname -- "$(echo "$scratch"/*/packed.txt)")
fi
if [ ! -e "$packed/packed.txt" ]; then
  echo "error: $packed is nothing that tests/gpu/pack.sh made" >&2
  exit 2
fi
packed=$(cd "$packed" && pwd)
bin=$packed/bin
python=${GRADUS_PYTHON:-python3}

passed=0 failed=0 skipped=0
# verdict WORD NAME SECONDS [WHY]
verdict() {
  case $1 in PASS) passed=$((passed + 1)) ;; FAIL) failed=$((failed + 1)) ;; *) skipped=$((skipped + 1)) ;; esac
  printf '%s  %s  %s s%s\n' "$1" "$2" "$3" "${4:+  ($4)}" | tee -a "$log"
  printf '| %s | %s | %s | %s |\n' "$2" "$1" "$3" "${4:-}" >>"$scratch/rows"
}
now() { date +%s.%N; }
since() { echo "$1 $(now)" | awk '{ printf "%.1f", $2 - $1 }'; }
# step NAME SECONDS COMMAND...: what the command prints goes to the log, of a failure its end is shown. Status 77 is one that was skipped.
step() {
  name=$1 limit=$2
  shift 2
  left=$(((part_end - $(date +%s%N) + 999999999) / 1000000000))  # a second that has begun is a whole one
  [ "$left" -ge "$limit" ] || limit=$left
  if [ "$limit" -le 0 ]; then
    verdict SKIP "$name" 0 "the part's time is over"
    return
  fi
  begin=$(now) status=0
  echo "=== $name: $*" >>"$log"
  timeout -k 5 "$limit" "$@" >"$scratch/said" 2>&1 || status=$?
  cat "$scratch/said" >>"$log"
  seconds=$(since "$begin")
  # Where no test has the name, none fails.
  ! grep -q '^\[doctest\] test cases: *0 ' "$scratch/said" || status=1
  case $status in
    0) verdict PASS "$name" "$seconds" "$(sed -n 's/^note: //p' "$scratch/said" | tail -n 1)" ;;
    77) verdict SKIP "$name" "$seconds" "$(sed -n 's/^skipped: //p' "$scratch/said" | tail -n 1)" ;;
    124 | 137) verdict FAIL "$name" "$seconds" "stopped after $limit s" ;;
    *) verdict FAIL "$name" "$seconds" "exit status $status"; tail -n 12 "$scratch/said" ;;
  esac
}

# A device, and the libraries beside the programs. CUDA's own come from where the system or PyTorch has them.
libraries=$packed/lib
if [ -n "$emulated" ]; then
  libraries=$packed/emulated
elif ! ldconfig -p | grep -q 'libcublasLt\.so\.13'; then
  for folder in /usr/local/cuda/lib64 /usr/local/cuda/targets/x86_64-linux/lib \
    $("$python" -c 'import glob, nvidia; print(*glob.glob(list(nvidia.__path__)[0] + "/c*/lib"))' 2>/dev/null); do
    [ ! -e "$folder/libcublasLt.so.13" ] || { libraries=$libraries:$folder; break; }
  done
fi
libraries=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export GRADUS_BACKENDS_UNDER_TEST=CUDA GRADUS_LIBRARIES="$libraries" GRADUS_SOURCE="$top" GRADUS_PROGRAMS="$bin"
export GRADUS_SHARED="${GRADUS_SHARED:-$top/../shared}"
# A step whose program is one of ours. Python has other libraries, and its scripts give ours to the programs themselves.
ours() {
  title=$1 most=$2
  shift 2
  step "$title" "$most" env "LD_LIBRARY_PATH=$libraries" "$@"
}

# Seconds of each part, 12 minutes of a GPU in all. The emulated device is a hundred times slower than one, and does less.
budget() {
  case $1${emulated:+-emulated} in
    *=*) echo "${1#*=}" ;;
    ops) echo 100 ;; bits) echo 110 ;; sanitizer) echo 120 ;; drivers) echo 120 ;; bench) echo 280 ;;
    *) echo 900 ;;
  esac
}
# The tests that are named by themselves; all others are the quick ones.
named='forward:*,backward:*,a gradient is the same*,backend against*,a fused op*,large cases*,a repeated run*,any number of threads*'

check_ops() {
  ours 'ops: losses, CRF, LSTM, optimizers, tape' 60 "$bin/test_ops" "-tce=$named"
  ours 'ops: fused ones are those of simple ones' 60 "$bin/test_ops" '-tc=a fused op*'
  [ -z "$emulated" ] || return 0
  ours 'ops: values' 60 "$bin/test_ops" '-tc=forward:*'
  ours 'ops: gradients' 60 "$bin/test_ops" '-tc=backward:*,a gradient is the same*'
  ours 'ops: beside the naive backend' 60 "$bin/test_ops" '-tc=backend against*'
  ours 'ops: large cases beside the naive backend' 60 "$bin/test_ops" '-tc=large cases*'
}
check_bits() {
  [ -n "$emulated" ] || ours 'bits: every op again' 60 "$bin/test_ops" '-tc=a repeated run*'
  # Twice on the device, through a queue, and on the CPU.
  ours "bits: ten steps again, through a queue, and after the CPU's" 100 env GRADUS_BACKENDS_UNDER_TEST=CUDA,CUDA \
    "$bin/test_deferred" ${emulated:+'-tc=questions*,a wait that*'}
  for task in ner classifier squad; do
    step "bits: $task saves the same bytes again" 60 python3 "$here/drivers.py" $emulated "$packed" repeat "$task" bf16
  done
}
check_sanitizer() {
  sanitizer=
  if [ -z "$emulated" ]; then
    sanitizer=$(command -v compute-sanitizer || command -v /usr/local/cuda/bin/compute-sanitizer || true)
    if [ -z "$sanitizer" ]; then
      verdict SKIP sanitizer 0 'there is no compute-sanitizer'
      return
    fi
    if ! env LD_LIBRARY_PATH="$libraries" "$sanitizer" "$bin/step_bench" --device_target CUDA tiny fp32 1 8 1 >"$scratch/said" 2>&1 &&
      grep -qi 'device not supported' "$scratch/said"; then
      verdict SKIP sanitizer 0 'compute-sanitizer refuses the device'
      return
    fi
  fi
  # The emulated device has checks of its own, which are always on.
  if [ -n "$emulated" ]; then
    ours "sanitizer: small cases, with the emulated device's checks" 60 "$bin/test_ops" '-tc=absent rows*,tensors that begin*'
    return
  fi
  for tool in memcheck racecheck; do
    ours "sanitizer: $tool" 70 "$sanitizer" --tool "$tool" --error-exitcode 9 --print-limit 20 "$bin/test_ops" \
      '-tc=backend against*,absent rows*,layer norms of wide*,tensors that begin*,the embedding gradient*,every optimizer*'
  done
}
check_drivers() {
  types="fp32 bf16"
  [ -z "$emulated" ] || types=bf16
  for task in ner classifier squad; do
    step "drivers: $task follows the CPU" 60 python3 "$here/drivers.py" $emulated "$packed" follow "$task" fp32
    for numbers in $types; do
      step "drivers: $task learns, $numbers" 90 python3 "$here/drivers.py" $emulated "$packed" learn "$task" "$numbers"
    done
  done
}
check_bench() {
  seconds=$(budget "$part")
  peer=cuda
  # There PyTorch is asked for by name, and computes on the CPU.
  [ -z "$emulated" ] || peer=${GRADUS_PYTHON:+cpu}
  step bench "$seconds" "$python" "$here/bench.py" $emulated --seconds "$((seconds - 10))" --peer "${peer:-none}" "$packed" "$scratch/bench.md"
}

device='the emulated device'
if [ -z "$emulated" ]; then
  device=$(nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader 2>/dev/null | head -n 1) || device=
  if [ -z "$device" ]; then
    for part in "$@"; do verdict SKIP "${part%%=*}" 0 'there is no NVIDIA device'; done
    echo "$passed passed, $failed failed, $skipped skipped"
    exit 0
  fi
fi
part_end=$(($(date +%s%N) + 60000000000))
ours 'the device opens' 60 "$bin/step_bench" --device_target CUDA tiny fp32 1 8 1
opened=$(sed -n 's/^device /device /p' "$scratch/said" | head -n 1)
if [ "$failed" -gt 0 ]; then
  echo 'the device does not open: nothing else is tried'
  set --
fi
for part in "$@"; do
  part_end=$(($(date +%s%N) + $(budget "$part") * 1000000000))
  "check_${part%%=*}"
done
{
  echo "$device; ${opened:-not opened}; $(cat "$packed/packed.txt")"
  echo
  echo '| step | | seconds | |'
  echo '|---|---|---|---|'
  cat "$scratch/rows"
  [ ! -e "$scratch/bench.md" ] || { echo; cat "$scratch/bench.md"; }
} >"$table"
echo "$table, $log"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
