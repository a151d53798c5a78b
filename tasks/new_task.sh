#!/bin/sh
# Begins a task: copies the smallest one there is, tasks/topic with its head, program and test, under a new name, and adds the lines by which
# the build and the rules of the house know them. The copy learns a toy set and passes its tests as it is; what to make its own then, and
# in which order, is told in the end.
#   usage: sh tasks/new_task.sh NAME       (small letters, digits and '_', a noun whose plural is made by -s: reading_time)
#   example: sh tasks/new_task.sh reading_time && GRADUS_TESTS=run_reading_time sh tests/run.sh
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

fail() {
  printf 'error: %s\n' "$1" >&2
  exit 2
}

case ${1:-} in
  --help | -h) sed -n '2,/^set -eu/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
esac
[ $# -eq 1 ] || fail "found $# arguments, expected one: the name of the task (--help)"
name=$1
case $name in
  '' | [!a-z]* | *[!a-z0-9_]* | *_ | *__*) fail "'$name': expected a name of small letters, digits and '_' between them, as reading_time" ;;
esac
class=$(printf '%s\n' "$name" | awk -F_ '{ for (i = 1; i <= NF; ++i) printf "%s%s", toupper(substr($i, 1, 1)), substr($i, 2) }')

cd "$top"
for path in "tasks/$name" "tasks/$name.h" "tasks/$name.cpp" "tasks/run_$name.cpp" "nn/heads/$name.h" "tests/tasks/run_${name}_test.cpp"; do
  [ ! -e "$path" ] || fail "'$path' is there already: take another name"
done
if grep -qrE --include='*.h' "(class|struct) $class(Model|Batch|System|Options|Training|Evaluation|Report|Example|Set|Text)\b" nn data tasks; then
  fail "there is a class ${class}Model, or of another name that '$name' would have: take another name"
fi

# Where it stands by itself, in comments and texts, the name is words, "reading time". In code it never does.
words=$(printf '%s\n' "$name" | tr _ ' ')
Words=$(printf '%s\n' "$words" | awk '{ print toupper(substr($0, 1, 1)) substr($0, 2) }')
rename() {
  sed "s/\([ (]\)topic\(s\{0,1\}\)\([] ,:;')\"]\|[.][ \")]\|[.]\$\|\$\)/\1$words\2\3/g
    s/\"topic\(s\{0,1\}\)\([ ,:]\)/\"$words\1\2/g
    s/\([ (\"]\)Topic\(s\{0,1\}\) /\1$Words\2 /g
    s/Topic/$class/g
    s/topic/$name/g"
}

made=
for path in nn/heads/topic.h nn/heads/topic.cpp tasks/topic/*.h tasks/topic/*.cpp tasks/run_topic.cpp tests/tasks/run_topic_test.cpp; do
  copy=$(printf '%s\n' "$path" | rename)
  mkdir -p "$(dirname "$copy")"
  rename <"$path" >"$copy"
  made="$made $copy"
done
# Which files these began as is no longer of interest.
sed -i "s/^\(\/\/ run_$name: .*\) The smallest whole task.*/\1/; /^\/\/ .sh tasks\/new_task.sh NAME. makes/d" "tasks/run_$name.cpp"
sed -i '/^\/\/ As small as a head can be/d' "nn/heads/$name.h"

# Replaces a file by what awk makes of it.
edit() {
  awk -v name="$name" "$2" "$1" >"$1.new"
  cat "$1.new" >"$1"
  rm "$1.new"
}
# In lists of sources and programs the copy's items stand behind those of the original.
for path in nn/meson.build tasks/meson.build tests/meson.build; do
  edit "$path" '
    {
      is_item = /^ *'\''((heads|tasks)\/)?(run_)?topic[\/.'\'']/
      if (!is_item) flush()
      print
      if (is_item) { gsub(/topic/, name); held = held $0 "\n" }
    }
    function flush() { printf "%s", held; held = "" }'
done
edit tests/house/rooms.cpp '
  function flush() { printf "%s", held; held = "" }
  /^    tasks\/topic:/ { copying = 1 }
  copying && /^ *$|^    [a-z#]/ && !/^    tasks\/topic:/ { flush(); copying = 0 }
  copying {
    line = $0
    if (match(line, /^    tasks\/topic: */)) line = sprintf("    %-17s %s", "tasks/" name ":", substr(line, RLENGTH + 1))
    held = held line "\n"
  }
  { if (!copying) sub(/ tasks\/topic /, " tasks/topic tasks/" name " "); print }'

# Another name may stand elsewhere among the headers, and needs other line breaks.
for tool in clang-format-14 clang-format; do
  case $($tool --version 2>/dev/null || true) in
    *'version 14.'*) $tool -i $made; tool=; break ;;
  esac
done
[ -z "$tool" ] || echo "note: clang-format 14 is not here: run it over the new files before they are committed" >&2

cat <<END
made:$made
changed: nn/meson.build tasks/meson.build tests/meson.build tests/house/rooms.cpp

It tells texts apart by a word behind a tab. To see that it does: GRADUS_TESTS=run_$name sh tests/run.sh
Then make it another task, in this order. What a batch has goes through all of them, so they compile again when the last one is done:
  nn/heads/$name.h          what a batch has, what the encoder's rows become, and the loss
  tasks/$name/input.h       how the data are written and read, and what an example is
  tasks/$name/batch.h       from examples to the batch of the head
  tasks/$name/training.cpp  an example as lists of numbers, and back
  tasks/$name/evaluation.h  what is predicted, and the scores, the one to choose a model by first: the larger the better
  tasks/$name/system.h      what is saved in config.json beside the model, and the class of transformers that it is, or a name of its own
  tasks/$name/options.cpp   options of its own
  tasks/run_$name.cpp       the order of these, what is printed, and what --help says
  tests/tasks/run_${name}_test.cpp  what it has to learn, and every kind of bad input
CONTRIBUTING.md says what the library, serve and infer need to know of it.
END
