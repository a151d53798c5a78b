"""What the checks share: the frameworks, Gradus' programs, a small data set, and comparing numbers bit by bit."""
import importlib
import importlib.util
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("GLOG_v", "4")

import numpy as np  # noqa: E402  (after the settings above)


def framework(name):
    """The module, or None where it is not installed. One that is there but broken is an error."""
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


mindspore = framework("mindspore")
tensorflow = framework("tensorflow")

needs_mindspore = unittest.skipUnless(mindspore, "mindspore")
needs_tensorflow = unittest.skipUnless(tensorflow, "tensorflow")


class Checks(unittest.TestCase):
    """Checks with a temporary folder of their own."""

    maxDiff = 2000

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="gradus-frameworks-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def path(self, name):
        return str(self.folder / name)

    def run_program(self, name, *arguments, text=None):
        """Runs a program of Gradus, on `text` as its standard input, and returns what it printed."""
        programs = pathlib.Path(os.environ["GRADUS_PROGRAMS"])
        of_tests = name in ("copy_file", "read_tags")
        program = programs.parent / "tests" / name if of_tests else programs / name
        done = subprocess.run([program, *arguments], input=text, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, f"{name} {' '.join(arguments)}: {done.stderr}")
        self.assertNotIn("warning", done.stderr)
        return done.stdout

    def json_of(self, program, *arguments):
        return json.loads(self.run_program(program, "--json", *arguments))

    def assert_same_arrays(self, found, expected):
        """Dictionaries of arrays: names, types, shapes and bits."""
        self.assertEqual(sorted(found), sorted(expected))
        for name, array in expected.items():
            with self.subTest(name):
                self.assertEqual(comparable(found[name]), comparable(array))

    def assert_same_rows(self, found, expected):
        self.assertEqual(len(found), len(expected))
        for number, (row, wanted) in enumerate(zip(found, expected)):
            with self.subTest(row=number):
                self.assertEqual({name: comparable(value) for name, value in row.items()},
                                 {name: comparable(value) for name, value in wanted.items()})


def comparable(value):
    """Equal for two arrays when type, shape and bits are; other values stand for themselves."""
    if isinstance(value, np.ndarray):
        return value.dtype.name, value.shape, value.tobytes().hex()
    return value


# Sentences with named entities. Some words fall into several pieces, one has none.
SENTENCES = [
    [("Anna", "B-PER"), ("lives", "O"), ("in", "O"), ("Alden", "B-LOC"), (".", "O")],
    [("Boris", "B-PER"), ("Brom", "I-PER"), ("met", "O"), ("Clara", "B-PER"), ("?", "O")],
    [("Qwz", "O")],
    [("王", "B-PER"), ("住", "O"), ("在", "O"), ("青", "B-LOC"), ("州", "I-LOC")],
]
VOCABULARY = "[PAD] [UNK] [CLS] [SEP] [MASK] Anna Bo ##ris Cl ##ara Brom lives in Al ##den met . ? 王 住 在 青 州".split()
TAGS = "O B-LOC B-PER I-LOC I-PER".split()
LENGTH = 16


def pieces_of(word):
    """The longest piece of the vocabulary each time, as WordPiece has it."""
    pieces, begin = [], 0
    while begin < len(word):
        mark = "##" if begin else ""
        end = next((e for e in range(len(word), begin, -1) if mark + word[begin:e] in VOCABULARY), None)
        if end is None:
            return ["[UNK]"]
        pieces.append(mark + word[begin:end])
        begin = end
    return pieces


def ner_rows(dtype):
    """The records of SENTENCES: the first piece of a word has its label, everything else -100."""
    rows = []
    for sentence in SENTENCES:
        ids, labels = ["[CLS]"], [-100]
        for word, tag in sentence:
            pieces = pieces_of(word)
            ids += pieces
            labels += [TAGS.index(tag)] + [-100] * (len(pieces) - 1)
        ids.append("[SEP]")
        used, rest = len(ids), LENGTH - len(ids)
        columns = {
            "input_ids": [VOCABULARY.index(piece) for piece in ids] + [0] * rest,
            "input_mask": [1] * used + [0] * rest,
            "segment_ids": [0] * LENGTH,
            "label_ids": labels + [-100] * (rest + 1),
        }
        rows.append({name: np.array(values, dtype) for name, values in columns.items()})
    return rows


def generate_ner_records(checks, dataset_format):
    """Lets generate_ner_records make records of SENTENCES; the folder they are in."""
    text = "\n".join("".join(f"{word} {tag}\n" for word, tag in sentence) for sentence in SENTENCES)
    (checks.folder / "train.txt").write_text(text, encoding="utf-8")
    for name, lines in ("vocab.txt", VOCABULARY), ("tags.txt", TAGS):
        (checks.folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    checks.run_program(
        "generate_ner_records", "--dataset_name=conll2003", f"--data_dir={checks.folder}", "--do_eval=false",
        "--do_predict=false", f"--output_dir={checks.folder}", f"--vocab_file={checks.path('vocab.txt')}",
        f"--label_file={checks.path('tags.txt')}", f"--max_seq_length={LENGTH}", f"--dataset_format={dataset_format}")
