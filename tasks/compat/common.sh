# What the scripts in the folders beside this file share; they read it, nobody runs it. Each takes the arguments of a program or launcher of another
# system, prints the commands of Gradus that they come to, and runs these. It ends with their status, or with 2 after "error: ...".

# The folder of the script, wherever a link to it lies.
here=$(dirname -- "$(readlink -f -- "$0")")

# The first lines of a script, where its usage stands.
usage() { sed -n '2,${/^#/!q;s/^# \{0,1\}//;p;}' "$0"; }
fail() {
  printf 'error: %s\n' "$1" >&2
  exit 2
}
refuse() { fail "$1 (--help lists what is allowed)"; }

# The folder of the programs: the one that GRADUS_PROGRAMS names, that of an installation, or the build folder of the sources.
find_programs() {
  for programs in "${GRADUS_PROGRAMS:-}" "$here/../../../../bin" "$here/../../../build/tasks"; do
    [ -n "$programs" ] && [ -x "$programs/run_ner" ] && return
  done
  fail 'the programs are not there: build them, or name their folder by GRADUS_PROGRAMS'
}

# What programs of google-research/bert have for TPUs, for the table of read_flags.
tpu_flags='use_tpu left of TPUs
tpu_name left of TPUs
tpu_zone left of TPUs
gcp_project left of TPUs
master left of TPUs
num_tpu_cores left of TPUs
iterations_per_loop left of TPUs
'

# A word as it can be typed.
quoted() {
  case $1 in
    '' | *[!A-Za-z0-9_./=,:@%+-]*) printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")" ;;
    *) printf '%s' "$1" ;;
  esac
}

# Prints a command, where it does not mix with what that prints.
show() {
  line='+'
  for word; do line="$line $(quoted "$word")"; done
  printf '%s\n' "$line" >&2
}

# Runs a program with these arguments.
run() {
  show "$@"
  program=$1
  shift
  "$programs/$program" "$@"
}

# The same, with all that it says in a file, whose end is shown when it fails.
run_logged() {
  log=$1
  shift
  printf 'log: %s\n' "$log"
  show "$@"
  program=$1
  shift
  status=0
  if [ "$program" = mpirun ]; then mpirun "$@" >"$log" 2>&1 || status=$?; else "$programs/$program" "$@" >"$log" 2>&1 || status=$?; fi
  [ $status -eq 0 ] || tail -n 3 "$log" >&2
  return $status
}

check_count() {
  case $2 in
    '' | *[!0-9]* | 0*) refuse "$1: found '$2', expected a whole number, at least 1" ;;
  esac
}
check_device() {
  case $1 in
    '' | *[!0-9]* | 0[0-9]*) refuse "DEVICE_ID: found '$1', expected a whole number" ;;
  esac
}
check_readable() { [ -r "$2" ] || fail "$1: cannot read '$2'"; }

# Sets found, kind and rest to the flag of that name in $flags, or of which it is the beginning, and of no other.
find_flag() {
  matches=0
  while read -r line_name line_kind line_rest; do
    case $line_name in
      '') continue ;;
      "$1") matches=1 found=$line_name kind=$line_kind rest=$line_rest; break ;;
      "$1"*) matches=$((matches + 1)) found=$line_name kind=$line_kind rest=$line_rest ;;
    esac
  done <<END
$flags
END
  [ $matches -eq 1 ]
}

# The flag that differs least from a name, in a third of its letters at most; nothing where there is none. The distance is Levenshtein's.
nearest_flag() {
  printf '%s\n' "$flags" | name=$1 awk '
    function least(a, b) { return a < b ? a : b }
    function distance(a, b,   i, j, row, diagonal, above) {
      for (j = 0; j <= length(b); ++j) row[j] = j
      for (i = 1; i <= length(a); ++i) {
        diagonal = row[0]
        row[0] = i
        for (j = 1; j <= length(b); ++j) {
          above = row[j]
          row[j] = least(least(above, row[j - 1]) + 1, diagonal + (substr(a, i, 1) != substr(b, j, 1)))
          diagonal = above
        }
      }
      return row[length(b)]
    }
    BEGIN { name = ENVIRON["name"]; most = int(length(name) / 3); if (most < 1) most = 1 }
    NF > 0 { d = index($1, name) == 1 ? 1 : distance(name, $1); if (d <= most) { most = d - 1; nearest = $1 } }
    END { printf "%s", nearest }'
}

# Sets value to true or false.
take_switch() {
  case $1 in
    true | True | TRUE | 1) value=true ;;
    false | False | FALSE | 0) value=false ;;
    *) return 1 ;;
  esac
}

# Reads the arguments by the table in $flags, a flag a line:
#   NAME needed            has a value and must be given
#   NAME value [DEFAULT]   has a value
#   NAME values            has one or more, which are joined by commas
#   NAME switch [DEFAULT]  is true or false; alone it is true, and "no" before its name makes it false
#   NAME off               has no value: what it names is true, and false when it is given
#   NAME left REASON       may be given and means nothing here, which is said
# The value goes to $flag_NAME. As with Python's argparse, - and -- are the same, a value stands behind "=" or is the next word, and a name may be
# cut short where no other begins so. Words behind a -- are the Gradus program's own; $read_words is how many come before them, with it.
read_flags() {
  while read -r line_name line_kind line_rest; do
    [ -n "$line_name" ] || continue
    case $line_kind in
      off) eval "flag_$line_name=true" ;;
      left | needed) eval "flag_$line_name=" ;;
      *) eval "flag_$line_name=\$line_rest" ;;
    esac
  done <<END
$flags
END
  read_words=0
  while [ $# -gt 0 ]; do
    read_words=$((read_words + 1))
    word=$1 value='' has_value=no
    shift
    case $word in
      --) break ;;
      --help | -h) usage; exit 0 ;;
      -?*) ;;
      *) refuse "unexpected '$word': flags begin with -" ;;
    esac
    name=${word#-}
    name=${name#-}
    case $name in *=*) value=${name#*=} name=${name%%=*} has_value=yes ;; esac
    if ! find_flag "$name"; then
      if find_flag "${name#no}" && [ "$kind" = switch ] && [ $has_value = no ]; then
        value=false has_value=yes
      else
        near=$(nearest_flag "$name")
        [ -z "$near" ] || fail "unknown flag '$word': did you mean -$near?"
        refuse "unknown flag '$word'"
      fi
    fi
    case $kind in
      off)
        [ $has_value = no ] || refuse "$word: found a value, expected none: the flag turns ${found#do_} off"
        value=false ;;
      switch)
        if [ $has_value = yes ]; then
          take_switch "$value" || refuse "-$found: found '$value', expected true or false"
        elif [ $# -gt 0 ] && take_switch "$1"; then shift; read_words=$((read_words + 1))
        else value=true
        fi ;;
      left)
        case ${1:--} in -*) ;; *) [ $has_value = yes ] || { shift; read_words=$((read_words + 1)); } ;; esac
        printf 'left: -%s: %s\n' "$found" "$rest" ;;
      *)
        if [ $has_value = no ]; then
          [ $# -gt 0 ] || refuse "$word: expected its value"
          value=$1
          shift
          read_words=$((read_words + 1))
        fi
        while [ "$kind" = values ] && [ $# -gt 0 ]; do
          case $1 in -*) break ;; esac
          value=$value,$1
          shift
          read_words=$((read_words + 1))
        done ;;
    esac
    eval "flag_$found=\$value"
  done
  while read -r line_name line_kind line_rest; do
    [ "$line_kind" = needed ] || continue
    eval "value=\$flag_$line_name"
    [ -n "$value" ] || refuse "-$line_name is missing"
  done <<END
$flags
END
}
