"""Compares the pieces of Gradus with those of transformers, for every kind of tokenizer folder, on random texts: for the folder
as it is, as transformers saves it again, and as Gradus saves it.

Usage: tokenizer_checks.py TOKENIZE [TEXTS], in an environment with transformers; TOKENIZE is the program of tokenize.cpp."""
import json
import os
import subprocess
import sys
import tempfile

from transformers import AutoTokenizer, BertTokenizerFast

import tokenizer_folders


def ours(program, folder, texts, copy=None):
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    run = subprocess.run([program, folder] + ([copy] if copy else []), input=lines, capture_output=True, text=True)
    if run.returncode != 0:
        raise SystemExit(f"{folder}: {run.stderr}")
    return [json.loads(line) for line in run.stdout.splitlines()]


def compare(what, texts, expected, found):
    for text, e, f in zip(texts, expected, found, strict=True):
        if e != f:
            raise SystemExit(f"{what}: {text!r}: transformers {e}, Gradus {f}")


def check(program, count, folder):
    texts = tokenizer_folders.texts(count, seed=os.path.basename(folder))
    encode = lambda tokenizer: tokenizer(texts, add_special_tokens=False)["input_ids"] if texts else []
    theirs = AutoTokenizer.from_pretrained(folder)
    expected = encode(theirs)
    compare(folder, texts, expected, ours(program, folder, texts, folder + "-ours"))
    for opener in (AutoTokenizer, BertTokenizerFast):
        compare(f"{folder}, saved by Gradus", texts, encode(opener.from_pretrained(folder + "-ours")), expected)
    compare(f"{folder}, saved by Gradus, read again", texts, expected, ours(program, folder + "-ours", texts))
    theirs.save_pretrained(folder + "-theirs")
    with open(folder + "-theirs/config.json", "w", encoding="utf-8") as file:
        json.dump({"model_type": "bert"}, file)
    expected = encode(AutoTokenizer.from_pretrained(folder + "-theirs"))
    compare(f"{folder}, saved by transformers", texts, expected, ours(program, folder + "-theirs", texts, folder + "-both"))
    compare(f"{folder}, saved by both", texts, encode(AutoTokenizer.from_pretrained(folder + "-both")), expected)


def main():
    program, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    with tempfile.TemporaryDirectory() as root:
        number = 0
        for name, specials, config, files in tokenizer_folders.folders():
            tokenizer_folders.write_folder(f"{root}/{name}", specials, config, files)
            check(program, count, f"{root}/{name}")
            number += 1
    print(f"{number} tokenizers, {count} texts each, as they are and saved by either: the pieces are equal")


if __name__ == "__main__":
    main()
