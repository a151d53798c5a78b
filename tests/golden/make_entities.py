"""Writes entities.json: what seqeval and the Perl program conlleval make of random sequences of tags, for
tests/data/tag_scheme_test.cpp and tests/tasks/metrics_test.cpp.

Usage: python make_entities.py conlleval.pl > entities.json
"""
import json
import random
import subprocess
import sys
import warnings

import seqeval.scheme
from seqeval.metrics.sequence_labeling import get_entities

TYPES = ["PER", "LOC", "GPE-LOC"]
LETTERS = {"IOB1": "BIO", "IOB2": "BIO", "IOE1": "IEO", "IOE2": "IEO", "IOBES": "BIESO", "BILOU": "BILUO"}


def random_tags(random_numbers, letters, typeless=0.1):
    """Tags of one sentence; most follow the one before in type, so that entities come about."""
    tags, kind = [], random_numbers.choice(TYPES)
    bare = random_numbers.random() < typeless
    for _ in range(random_numbers.randint(1, 9)):
        letter = random_numbers.choice(letters)
        if random_numbers.random() < 0.3:
            kind = random_numbers.choice(TYPES)
        tags.append("O" if letter == "O" else letter if bare else f"{letter}-{kind}")
    return tags


def default_entities(tags):
    """Those of seqeval's default mode, as [type, begin, end]."""
    return [["" if kind == "_" else kind, begin, last + 1] for kind, begin, last in get_entities(tags)]


def strict_entities(tags, scheme):
    """Those of seqeval's strict mode."""
    found = seqeval.scheme.Tokens(tags, getattr(seqeval.scheme, scheme)).entities
    return [["" if entity.tag == "_" else entity.tag, entity.start, entity.end] for entity in found]


def conlleval(program, gold, predicted):
    """What the Perl program prints for sentences."""
    lines = ("".join(f"w {g} {p}\n" for g, p in zip(*pair)) for pair in zip(gold, predicted))
    return subprocess.run(["perl", program], input="\n".join(lines), capture_output=True, text=True, check=True).stdout


def main():
    warnings.simplefilter("ignore")
    numbers = random.Random(12)
    rows = [{"tags": tags, "default": default_entities(tags)}
            for tags in (random_tags(numbers, "BIESO") for _ in range(120))]
    for scheme, letters in LETTERS.items():
        for _ in range(50):
            tags = random_tags(numbers, letters)
            rows.append({"tags": tags, "scheme": scheme, "strict": strict_entities(tags, scheme)})
    gold = [random_tags(numbers, "BIO", 0) for _ in range(150)]
    predicted = [[tag if numbers.random() < 0.7 else numbers.choice(random_tags(numbers, "BIO", 0)) for tag in tags]
                 for tags in gold]
    print('{"sequences": [\n' + ",\n".join(json.dumps(row) for row in rows) + "\n],")
    pairs = ",\n".join(json.dumps(pair) for pair in zip(gold, predicted))
    print(f'"conlleval": {{"report": {json.dumps(conlleval(sys.argv[1], gold, predicted))}, "pairs": [\n{pairs}\n]}}}}')


if __name__ == "__main__":
    main()
