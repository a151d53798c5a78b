"""Checks that entities are read from a million random sequences of tags as seqeval reads them, and counted as the Perl
program conlleval counts them. GRADUS_CONLLEVAL names that program (conlleval.pl, of the CoNLL shared tasks)."""
import os
import pathlib
import random
import sys
import unittest
import warnings

import common

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "golden"))

needs_seqeval = unittest.skipUnless(common.framework("seqeval"), "seqeval")
needs_conlleval = unittest.skipUnless(os.environ.get("GRADUS_CONLLEVAL"), "conlleval.pl (GRADUS_CONLLEVAL)")
SEQUENCES = 1_000_000
OURS = {"IOBES": "BIOES", "BILOU": "BIOES"}  # two names for one scheme, in other letters


@needs_seqeval
class TagChecks(common.Checks):
    def setUp(self):
        super().setUp()
        warnings.simplefilter("ignore")
        self.numbers = random.Random(2026)

    def compare(self, rule, letters, count, expected_of):
        import make_entities
        sequences = [make_entities.random_tags(self.numbers, letters) for _ in range(count)]
        found = self.run_program("read_tags", text="".join(f"{rule} {' '.join(tags)}\n" for tags in sequences)).split("\n")
        self.assertEqual(len(found), count + 1)
        known = {}  # many of the short ones come again
        for tags, line in zip(sequences, found):
            key = " ".join(tags)
            if key not in known:
                known[key] = " ".join(":".join(map(str, entity)) for entity in expected_of(tags))
            self.assertEqual(line, known[key], key)

    def test_default(self):
        """a million sequences: the entities of seqeval's default mode"""
        import make_entities
        self.compare("default", "BIESO", SEQUENCES, make_entities.default_entities)

    def test_strict(self):
        """a million sequences: the entities of seqeval's strict mode, in each of its schemes"""
        import make_entities
        for scheme, letters in make_entities.LETTERS.items():
            with self.subTest(scheme):
                self.compare(OURS.get(scheme, scheme), letters, SEQUENCES // len(make_entities.LETTERS),
                             lambda tags, scheme=scheme: make_entities.strict_entities(tags, scheme))

    @needs_conlleval
    def test_conlleval(self):
        """a million sequences: the counts of conlleval, and its report"""
        # Of tags without types the program prints the counts twice.
        import make_entities
        gold = [make_entities.random_tags(self.numbers, "BIO", 0) for _ in range(SEQUENCES)]
        predicted = [[tag if self.numbers.random() < 0.8 else self.numbers.choice(tags) for tag in tags] for tags in gold]
        expected = make_entities.conlleval(os.environ["GRADUS_CONLLEVAL"], gold, predicted)
        pairs = ("".join(f"{g} {p}\n" for g, p in zip(*pair)) for pair in zip(gold, predicted))
        self.assertEqual(self.run_program("read_tags", "--score", text="\n".join(pairs)), expected)
