#!/usr/bin/env python3
"""What tests/gpu/pack.sh takes along besides programs: data sets, a few examples of each for an emulated device, and a model.

usage: pack_data.py DATA MODEL FOLDER
  DATA    folder with conll2003/, mrpc/, squad/ and vocab/; those that are missing are left out, with a word
  MODEL   folder of a pretrained model, or an empty word
  FOLDER  gets data/, few/ and model/
"""
import array
import gzip
import json
import pathlib
import shutil
import struct
import sys

FILES = ["conll2003/train.txt", "conll2003/dev.txt", "mrpc/train.tsv", "mrpc/dev.tsv", "squad/train_part1.json.gz",
         "squad/train_part2.json.gz", "squad/dev_v1.1_first24.json.gz", "vocab/cased.txt", "vocab/uncased.txt"]


def write_few(data, few):
    """The first examples of each set, and the shortest text with questions of one."""
    few.mkdir()
    sentences = (data / "conll2003/train.txt").read_text(encoding="utf8").split("\n\n")
    (few / "ner.txt").write_text("\n\n".join(sentences[:16]) + "\n", encoding="utf8")
    pairs = (data / "mrpc/train.tsv").read_text(encoding="utf8").split("\n")
    (few / "mrpc.tsv").write_text("\n".join(pairs[:17]) + "\n", encoding="utf8")
    with gzip.open(data / "squad/train_part1.json.gz", "rt", encoding="utf8") as file:
        article = json.load(file)["data"][0]
    paragraph = min(article["paragraphs"], key=lambda paragraph: len(paragraph["context"]))
    article = {"title": article["title"], "paragraphs": [dict(paragraph, qas=paragraph["qas"][:4])]}
    (few / "squad.json").write_text(json.dumps({"version": "1.1", "data": [article]}), encoding="utf8")


def rounded_to_bfloat16(numbers):
    """The upper halves of float32 numbers, to the nearest, ties to even."""
    words = array.array("I", numbers)
    if sys.byteorder == "big":
        words.byteswap()
    halves = array.array("H", ((word + 0x7FFF + (word >> 16 & 1)) >> 16 for word in words))
    if sys.byteorder == "big":
        halves.byteswap()
    return halves.tobytes()


def write_model(source, target):
    """The model with its weights in bfloat16, which is half of what they take."""
    target.mkdir()
    for name in ["config.json", "vocab.txt", "tokenizer_config.json"]:
        if (source / name).exists():
            shutil.copyfile(source / name, target / name)
    content = (source / "model.safetensors").read_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:8 + size])
    body = bytearray()
    tensors = {}
    for name, tensor in header.items():
        if name == "__metadata__" or not tensor["dtype"].startswith("F"):
            continue
        if tensor["dtype"] != "F32":
            sys.exit(f"error: {source}/model.safetensors: {name} is of type {tensor['dtype']}, expected F32")
        begin, end = (8 + size + offset for offset in tensor["data_offsets"])
        halves = rounded_to_bfloat16(content[begin:end])
        tensors[name] = {"dtype": "BF16", "shape": tensor["shape"], "data_offsets": [len(body), len(body) + len(halves)]}
        body += halves
    text = json.dumps(tensors).encode()
    text += b" " * (-len(text) % 8)
    (target / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + body)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    data, model, folder = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
    missing = [name for name in FILES if not (data / name).exists()]
    if missing:
        print(f"without data, {data} has no {', '.join(missing)}: no drivers and no benchmarks of them")
    else:
        for name in FILES:
            (folder / "data" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(data / name, folder / "data" / name)
        write_few(data, folder / "few")
    if model:
        write_model(pathlib.Path(model), folder / "model")
    else:
        print("without a pretrained model, GRADUS_MINILM names none: training begins at random weights")


if __name__ == "__main__":
    main()
