"""A task that tasks/new_task.sh begins, in a copy of the project: the rules of the house hold, it compiles with the commands of the task that it is
a copy of, its test passes, and what it says of itself are words. Names that can't be are refused.

Usage: new_task.py BUILD [NAME]      (the folder that the project was built in; reading_time)"""

import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

PROJECT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(sys.argv[1]).resolve()
NAME = sys.argv[2] if len(sys.argv) > 2 else "reading_time"


def run(command, **settings):
    done = subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **settings)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(map(str, command))}\n{done.stdout}")
    return done.stdout


def copy_project(to):
    """All that is built from, without what was built."""
    def leave(folder, names):
        return [name for name in names if pathlib.Path(folder) == PROJECT and (name.startswith("build") or name in (".git", "shared"))]
    shutil.copytree(PROJECT, to, ignore=leave, symlinks=True)


def refuse(project, name, text):
    done = subprocess.run(["sh", "tasks/new_task.sh", name], cwd=project, capture_output=True, text=True, check=False)
    if done.returncode != 2 or not done.stderr.startswith("error: ") or text not in done.stderr:
        sys.exit(f"new_task.sh '{name}': expected an error with '{text}', found {done.returncode}: {done.stderr}")


class Copy:
    """Compiles and links the copied task in a folder of its own, as the build does it with the original."""

    def __init__(self, project, out):
        self.project, self.out = project, out
        commands = json.loads((BUILD / "compile_commands.json").read_text())
        self.commands = {os.path.normpath(BUILD / each["file"]): shlex.split(each["command"]) for each in commands}

    def compile(self, original, source):
        """Returns the object file of `source`, made by the command of `original`."""
        words = self.commands[str(PROJECT / original)]
        words = words[:words.index("-MD")]
        to_copy = lambda word: f"-I{self.project / word[5:]}" if word.startswith("-I..") else word
        made = self.out / (source.replace("/", "_") + ".o")
        run([*map(to_copy, words), "-o", made, "-c", self.project / source], cwd=BUILD)
        return made

    def link(self, target, program, instead, objects):
        """Links `program` as ninja links `target`, with `objects` before everything else and without the objects whose names end in one of `instead`."""
        words = shlex.split(run(["ninja", "-C", BUILD, "-t", "commands", "-s", target]).splitlines()[-1])
        at = words.index("-o") + 1
        words[at] = program
        words[at + 1:] = [*objects, *(word for word in words[at + 1:] if not word.endswith(instead))]
        run(words, cwd=BUILD)


def main():
    with tempfile.TemporaryDirectory() as folder:
        project, out = pathlib.Path(folder) / "project", pathlib.Path(folder) / "out"
        copy_project(project)
        for name, text in (("Reading", "expected a name of small letters"), ("a-b", "expected a name"), ("_a", "expected a name"), ("", "expected a name"),
                           ("ner", "'tasks/ner' is there already"), ("driver", "'tasks/driver.h' is there already"), ("topic", "is there already")):
            refuse(project, name, text)
        said = run(["sh", "tasks/new_task.sh", NAME], cwd=project)
        refuse(project, NAME, "is there already")
        made = said.splitlines()[0].split()[1:]
        (out / "tasks").mkdir(parents=True)
        copy = Copy(project, out)
        environment = {**os.environ, "LD_LIBRARY_PATH": f"{BUILD / 'core'}:{os.environ.get('LD_LIBRARY_PATH', '')}"}

        rooms = copy.compile("tests/house/rooms.cpp", "tests/house/rooms.cpp")
        copy.link("tests/test_house", out / "test_house", "house_rooms.cpp.o", [rooms])
        run([out / "test_house"], env={**environment, "GRADUS_SOURCE": str(project)})

        objects = {path: copy.compile(path.replace(NAME, "topic"), path) for path in made if path.endswith(".cpp")}
        test = objects.pop(f"tests/tasks/run_{NAME}_test.cpp")
        copy.link("tasks/run_topic", out / "tasks" / f"run_{NAME}", "run_topic.cpp.o", objects.values())
        copy.link("tests/test_run_topic", out / "test", "run_topic_test.cpp.o", [test])
        help_page, words = run([out / "tasks" / f"run_{NAME}", "--help"], env=environment), NAME.replace("_", " ")
        if f"the {words}s of texts" not in help_page:
            sys.exit(f"run_{NAME} --help: expected 'the {words}s of texts', found\n{help_page[:400]}")
        print(run([out / "test"], env={**environment, "GRADUS_SOURCE": str(project), "GRADUS_PROGRAMS": str(out / "tasks")}))


main()
