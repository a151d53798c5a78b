"""Writes the expected values of the tokenizer tests: tokenizer.jsonl, code_points.json, tokenizer_shared.json.

Usage: make_tokenizer.py SHARED_DATA_FOLDER, in an environment with transformers. The hf ids are those of BertTokenizerFast;
the google ids are those of the rules of google-research/bert as written down below.
"""
import glob
import gzip
import json
import os
import struct
import sys
import unicodedata
import zlib

import tokenizers
from transformers import BertTokenizerFast

HERE = os.path.dirname(os.path.abspath(__file__))
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

TEXTS = [
    "", " ", "\t\n\r", "Hello, world!", "unaffable", "The quick brown fox jumps over 13 lazy dogs.", "don't can't won't",
    "Jim Henson was a puppeteer", "U.S.A. e-mail@example.com $5.00 50% #tag a_b c=d <x> ~^`|", "UPPER lower MiXeD",
    "caf\u00e9 na\u00efve Z\u00fcrich \u00c5ngstr\u00f6m \u00d8re \u0141\u00f3d\u017a", "cafe\u0301 nai\u0308ve", "e\u0301\u0327\u0323x a\u0323\u0301",
    "\u0301leading mark", "stra\u00dfe STRASSE \u1e9e \ufb01ne \ufb03", "\u0130stanbul \u0131\u015f\u0131k I\u0307 DIYARBAKIR",
    "\u039f\u0394\u039f\u03a3 \u03a3 \u03a3\u03a3 \u0391\u03a3. \u0391\u03a3' \u0391.\u03a3 \u03a3\u0391\u03a3\u0391 '\u03a3 \u0391\u03a3\u4e2d \u4e2d\u03a3",
    "\u0391\u00ad\u03a3 \u0391\u03a3\u200b\u0391 \u2160\u03a3 \u24b6\u03a3 \u0391\u03a3\u02b0\u0391", "\u0421\u041b\u041e\u0412\u041e \u0439 \u0451 \u0407",
    "\u4e2d\u56fd\u4eba\u6c11 hello\u4e16\u754c123", "\uff21\uff22\uff23 \uff01\uff0c\u3002 \u300a\u4e66\u300b", "\u3400\u4dbf \u9fff \U00020000 \U0002b820 \U0002b920 \U0002ceaf",
    "\uf900\ufaff \U0002f800", "\u3042\u3044\u3046 \u30ab\u30ac\u30d1 \u30ab\u3099", "\ud55c\uad6d\uc5b4 \uac01", "\u0939\u093f\u0928\u094d\u0926\u0940 \u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22",
    "\u0627\u0644\u0639\u0631\u0628\u0650\u064a\u064e\u0651\u0629 \u05e2\u05b4\u05d1\u05b0\u05e8\u05b4\u05d9\u05ea", "a\u0000b\u0001c\u007fd\u0085e\u009ff", "a\u00adb\u200bc\u200dd\ufefee\u2060f\u180eg",
    "a\u00a0b\u2003c\u3000d\u202fe\u205ff\u1680g", "a\u000bb\u000cc\u001cd\u001fe", "x\u2028y\u2029z", "a\ufffdb \ue000 \uf8ff \U000f0000",
    "[CLS] a [SEP] b [MASK] c [UNK] d [PAD]", "x[MASK]y[SEP][SEP]z", "[[MASK]] [cls] [CLS [SEP", "caf\u00e9[MASK]\u4e2d[SEP]\u0301x", "##ing # ## a##b",
    "[unused1] [unused99]", "\U0001f600\U0001f44d\U0001f3fd \U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f 1\ufe0f\u20e3",
    "\u20ac100 \u00a35 \u00a9 \u2122 \u00bd \u00b2 \u2260 \u226e \u2264", "\u037e \u0387 \u1fef \u2329 \u212a \u212b \u2126", "\u2018quote\u2019 \u201cquote\u201d \u2026 \u2013 \u2014 \u00ab\u00bb \u00bf\u00a1",
    "\u166d \u1735 \u1734 \U00011938 \u1c89 \U00010d50", "\u061d \u2e52 \u08d4x \u0898 \u0890 \U00013430", "\u302ea\u302f\u0323 \U0001d15f \U0001d165\U0001d16d",
    "a" * 99, "a" * 100, "a" * 101, "a" * 200, "a" * 201, "\u00e9" * 100, "e\u0301" * 101, "x " + "\U0001f600" * 101 + " y",
    "unaffqz\u2203able playing\u2203 \u2203playing", "supercalifragilisticexpialidocious antidisestablishmentarianism",
]


def is_ideograph(o):
    return (0x4E00 <= o <= 0x9FFF or 0x3400 <= o <= 0x4DBF or 0x20000 <= o <= 0x2A6DF or 0x2A700 <= o <= 0x2B73F
            or 0x2B740 <= o <= 0x2B81F or 0x2B820 <= o <= 0x2CEAF or 0xF900 <= o <= 0xFAFF or 0x2F800 <= o <= 0x2FA1F)


def is_punctuation(c):
    o = ord(c)
    return 33 <= o <= 47 or 58 <= o <= 64 or 91 <= o <= 96 or 123 <= o <= 126 or unicodedata.category(c)[0] == "P"


def google_words(text, lower):
    cleaned = []
    for c in text:
        if c in " \t\n\r" or unicodedata.category(c) == "Zs":
            cleaned.append(" ")
        elif c not in "\0\ufffd" and unicodedata.category(c) not in ("Cc", "Cf"):
            cleaned.append(f" {c} " if is_ideograph(ord(c)) else c)
    for word in "".join(cleaned).split():
        if lower:
            word = "".join(c for c in unicodedata.normalize("NFD", word.lower()) if unicodedata.category(c) != "Mn")
        yield from "".join(f" {c} " if is_punctuation(c) else c for c in word).split()


def google_ids(text, vocab, lower, longest=200):
    ids = []
    for word in google_words(text, lower):
        pieces, begin = [], 0
        while begin < len(word) <= longest:
            prefix = "##" if begin else ""
            end = next((e for e in range(len(word), begin, -1) if prefix + word[begin:e] in vocab), None)
            if end is None:
                break
            pieces.append(vocab[prefix + word[begin:end]])
            begin = end
        ids += pieces if begin == len(word) else [vocab["[UNK]"]]
    return ids


def lines_of(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        lines = file.read().decode("utf-8").split("\n")
    return [line.removesuffix("\r") for line in (lines[:-1] if lines[-1] == "" else lines)]


def checksum(crc, ids):
    return zlib.crc32(struct.pack(f"<{len(ids)}i", *ids), crc)


def write_texts(tokenizers_by_name, vocabs):
    with open(f"{HERE}/tokenizer.jsonl", "w") as file:
        for text in TEXTS:
            row = {"text": text}
            for name, tokenizer in tokenizers_by_name.items():
                row[name] = tokenizer.encode(text, add_special_tokens=False).ids
                row["google_" + name] = google_ids(text, vocabs[name], name != "cased")
            file.write(json.dumps(row, separators=(",", ":")) + "\n")


def write_code_points():
    """A vocabulary in which every character is a piece shows what becomes of each."""
    codes = [c for first, last in ((0, 0xD800), (0xE000, 0x20000), (0x2F800, 0x2FA20), (0xE0000, 0xE1000)) for c in range(first, last)]
    tokens = SPECIALS + [prefix + chr(c) for c in codes for prefix in ("", "##")]
    vocab = {token: i for i, token in enumerate(tokens)}
    result = {"tokenizers": tokenizers.__version__, "block": 4096}
    for name, lower in (("lower", True), ("keep", False)):
        tokenizer = BertTokenizerFast(vocab=vocab, do_lower_case=lower).backend_tokenizer
        blocks = {}
        for c, encoding in zip(codes, tokenizer.encode_batch([f"x{chr(c)}y" for c in codes], add_special_tokens=False)):
            blocks[c // 4096] = checksum(blocks.get(c // 4096, 0), encoding.ids)
        result[name] = {f"{block * 4096:x}": f"{crc:08x}" for block, crc in blocks.items()}
    with open(f"{HERE}/code_points.json", "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


def write_shared(data, tokenizers_by_name):
    result = {}
    for path in sorted(glob.glob(f"{data}/*/*")):
        name = os.path.relpath(path, data)
        if name.startswith(("vocab", "tf_checkpoint")) or name.endswith((".md", "LICENSE.txt", "labels.json")):
            continue
        lines = lines_of(path)
        chinese = any(key in name for key in ("chinese", "msra", "cluener", "tnews", "_zh"))
        result[name] = {}
        for vocab in ["chinese"] if chinese else ["uncased", "cased"]:
            crc = 0
            for i in range(0, len(lines), 10000):
                for encoding in tokenizers_by_name[vocab].encode_batch(lines[i:i + 10000], add_special_tokens=False):
                    crc = checksum(crc, encoding.ids)
            result[name][vocab] = f"{crc:08x}"
    with open(f"{HERE}/tokenizer_shared.json", "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


def main():
    data = sys.argv[1]
    names = ("uncased", "cased", "chinese")
    tokenizers_by_name = {
        name: BertTokenizerFast(vocab=f"{data}/vocab/{name}.txt", do_lower_case=name != "cased").backend_tokenizer for name in names
    }
    vocabs = {name: {t: i for i, t in enumerate(lines_of(f"{data}/vocab/{name}.txt"))} for name in names}
    write_texts(tokenizers_by_name, vocabs)
    write_code_points()
    write_shared(data, tokenizers_by_name)


if __name__ == "__main__":
    main()
