"""Checks that the files Gradus writes open in MindSpore and TensorFlow with equal values, and theirs and PyTorch's in
Gradus, and that it reads tags as seqeval does.

A line for each check, and a summary. The status is 0 when none failed, 1 when one did, and 77 when none of the four is
there; where one is missing, a line "skipped: ..." tells.
Usage: GRADUS_PROGRAMS=build/tasks FOLDER/bin/python round_trip.py [MODULE[.CLASS[.CHECK]]...]
"""
import collections
import importlib.util
import sys
import unittest

MODULES = ["mindrecord_checks", "tfrecord_checks", "checkpoint_checks", "pytorch_checks", "infer_checks", "tag_checks"]


class LineResult(unittest.TextTestResult):
    """Prints a line as a check ends."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.missing = collections.Counter()

    def stopTest(self, test):
        super().stopTest(test)
        bad = [case for case, _ in self.failures + self.errors]
        failed = any(case is test or getattr(case, "test_case", None) is test for case in bad)
        if not any(case is test for case, _ in self.skipped):
            self.stream.writeln(f"{'FAILED' if failed else 'ok    '} {test.shortDescription()}")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.missing[reason] += 1


def main():
    if not any(importlib.util.find_spec(name) for name in ("mindspore", "tensorflow", "seqeval", "torch")):
        print("skipped: neither mindspore nor tensorflow nor seqeval nor torch is in this environment")
        return 77
    suite = unittest.defaultTestLoader.loadTestsFromNames(sys.argv[1:] or MODULES)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=0, resultclass=LineResult).run(suite)
    for name, count in result.missing.items():
        print(f"skipped: {count} checks: {name} is not in this environment")
    return 0 if result.wasSuccessful() and result.testsRun > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
