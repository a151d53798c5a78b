#!/usr/bin/env python3
"""Times the CUDA backend beside PyTorch, in turns, and writes tables for docs/benchmarks.md.

usage: bench.py [--few] [--seconds N] [--peak TFLOPS] [--peer cuda|cpu|none] [--rows NAMES] FOLDER TABLES
  FOLDER     what tests/gpu/pack.sh made; GRADUS_LIBRARIES says where its programs find their libraries and backends
  TABLES     gets the tables
  --few      tiny sizes, for an emulated device
  --seconds  a row that has not begun by then is left out
  --peak     what the device's tensor cores can do, in 10^12 operations a second: 989 is said of an H200, in bfloat16 without sparsity
  --peer     where PyTorch computes; none, and by itself where it has no GPU: without it
  --rows     of steps,lengths,attention
A figure is that of the faster of two rounds; of few there is one.
"""
import argparse
import gzip
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from functools import partial

compiled = "PyTorch, compiled"


class OutOfTime(Exception):
    pass


class Bench:
    def __init__(self, options):
        self.options, self.folder, self.few = options, options.folder.resolve(), options.few
        self.end = time.monotonic() + options.seconds
        self.failures = 0
        self.lines = []
        self.trainings = {}
        self.peer = None
        if options.peer != "none":
            try:
                import torch
                if options.peer == "cpu" or torch.cuda.is_available():
                    import peer
                    self.peer = peer
            except ImportError as error:
                print(error)
        if self.peer is None:
            print("note: without PyTorch, which has no GPU here or was not asked for")
        signal.signal(signal.SIGALRM, self.out_of_time)

    @staticmethod
    def out_of_time(*_):
        raise OutOfTime

    def say(self, line=""):
        self.lines.append(line)
        print(line, flush=True)

    def row(self, *cells):
        self.say("| " + " | ".join(map(str, cells)) + " |")

    def head(self, *cells):
        self.say()
        self.row(*cells)
        self.say("|" + "---|" * len(cells))

    def left(self):
        return self.end - time.monotonic()

    def attempt(self, what, work, is_ours):
        """The result of a measurement, or None where there is no time for it, or it failed, which the log then says: one of ours is an error."""
        if self.left() < 5:
            print(f"{what}: no time left")
            return None
        signal.alarm(max(1, int(self.left())))
        try:
            return work()
        except OutOfTime:
            print(f"{what}: stopped, the time is over")
        except Exception:  # pylint: disable=broad-except  # one that fails is no reason to leave out the others
            self.failures += is_ours
            print(f"{what}: failed")
            traceback.print_exc(file=sys.stdout)
        finally:
            signal.alarm(0)
        return None

    def ours(self, program, *arguments):
        command = [str(self.folder / "bin" / program), *map(str, arguments)]
        print(" ".join(command), flush=True)
        libraries = dict(os.environ, LD_LIBRARY_PATH=os.environ["GRADUS_LIBRARIES"])
        done = subprocess.run(command, env=libraries, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        print(done.stdout[-1500:], flush=True)
        if done.returncode != 0:
            raise RuntimeError(f"exit status {done.returncode}")
        return done.stdout

    def peers(self):
        """The ways in which PyTorch runs."""
        if self.peer is None:
            return []
        return ["PyTorch"] if self.options.peer == "cpu" else ["PyTorch", compiled]

    def training(self, name, kind, network, dynamic):
        """PyTorch's, which is compiled once and kept for the second round."""
        if name not in self.trainings:
            self.trainings[name] = self.peer.Training(self.options.peer, kind, network, name == compiled, dynamic)
        return self.trainings[name]

    def faster(self, what, ways, seconds=lambda found: found[0] if isinstance(found, tuple) else found):
        """What each way measured, in turns, by its name: that of the faster round."""
        results = {}
        for number in range(1 if self.few else 2):
            for name, work in ways.items():
                if number > 0 and name not in results:
                    continue
                found = self.attempt(f"{what}, {name}, round {number + 1}", work, name == "Gradus")
                if found is not None and (name not in results or seconds(found) < seconds(results[name])):
                    results[name] = found
        return results

    # --- steps of full length -----------------------------------------------------------------------

    def our_step(self, network, batch, length, kind, count):
        """Seconds, MiB, and the arithmetic of the step in 10^9 operations."""
        said = self.ours("step_bench", "--device_target", "CUDA", network, "bf16", batch, length, count,
                         *(["pretrain"] if kind == "pretrain" else []))
        seconds, mib, gflop = (float(re.search(pattern, said)[1]) for pattern in (
            r"step ([\d.e+-]+) s", r"tensors (\d+) MiB", r"([\d.e+]+) GFLOP a step"))
        return seconds, int(mib), gflop

    def their_step(self, name, network, batch, length, kind, count):
        training = self.training(name, kind, network, dynamic=False)
        made = self.peer.full_batch(kind, batch, length)
        return training.median_step({key: value.to(self.options.peer) for key, value in made.items()}, count)

    def steps(self):
        rows = [("BERT-base, 32 x 128, tags", "base", 32, 128, "ner", 20),
                ("BERT-large, 64 x 512, pretraining", "large", 64, 512, "pretrain", 5)]
        if self.few:
            rows = [("tiny, 2 x 16, tags", "tiny", 2, 16, "ner", 1), ("tiny, 2 x 16, pretraining", "tiny", 2, 16, "pretrain", 1)]
        self.say("Training steps in bf16, sequences of full length; arithmetic is that of the matrix products and attention, forward "
                 f"and backward, the peak {self.options.peak:g} TFLOP/s; memory is the tensors' largest sum.")
        self.head("step", "", "ms", "tokens/s", "TFLOP/s", "of the peak", "MiB")
        for title, *row in rows:
            ways = {name: partial(self.their_step, name, *row) for name in self.peers()}
            found = self.faster(title, {"Gradus": partial(self.our_step, *row), **ways})
            tokens = row[1] * row[2]
            for name, (seconds, mib, *_) in found.items():
                arithmetic = ["", ""]
                if "Gradus" in found:
                    rate = found["Gradus"][2] / seconds / 1e3
                    arithmetic = [f"{rate:.1f}", f"{100 * rate / self.options.peak:.1f} %"]
                self.row(title, name, f"{seconds * 1e3:.2f}", f"{tokens / seconds:.0f}", *arithmetic, mib or "")
            self.trainings.clear()
        self.say()

    # --- real lengths -------------------------------------------------------------------------------

    def our_rate(self, program, train, first_steps, steps):
        """Examples a second after the first steps, in which plans are made: of two runs, what one has more."""
        shape = dict(hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072)
        if self.few:
            shape = dict(hidden_size=32, num_hidden_layers=1, num_attention_heads=1, intermediate_size=64, train_batch_size=4)
        paths = ",".join(str(self.folder / name) for name in train.split(","))
        seconds, examples = [], []
        for count in (first_steps, first_steps + steps):
            with tempfile.TemporaryDirectory() as scratch:
                metrics = pathlib.Path(scratch) / "metrics.json"
                self.ours(program, "--do_train", "--device_target=CUDA", "--compute_type=bf16", f"--train_data_file_path={paths}",
                          f"--vocab_file_path={self.folder / 'data/vocab/cased.txt'}", "--do_lower_case=false",
                          f"--max_steps={count}", "--save_finetune_checkpoint_path=", f"--metrics_file={metrics}",
                          *(f"--{name}={value}" for name, value in shape.items()))
                found = json.loads(metrics.read_text())
                seconds.append(found["seconds"])
                examples.append(found["examples_per_second"] * found["seconds"])
        return (seconds[1] - seconds[0]) / (examples[1] - examples[0])

    def their_rate(self, name, kind, batches, first_steps, steps):
        training = self.training(name, kind, "tiny" if self.few else "base", dynamic=True)
        return 1 / training.examples_per_second(batches, first_steps, steps)

    def batches(self, kind, count):
        vocabulary = self.folder / "data/vocab/cased.txt"
        if kind == "ner":
            examples = self.peer.ner_examples(self.folder / ("few/ner.txt" if self.few else "data/conll2003/train.txt"), vocabulary)
        elif self.few:
            examples = self.peer.squad_examples([json.loads((self.folder / "few/squad.json").read_text())], vocabulary)
        else:
            contents = []
            for name in ("train_part1", "train_part2"):
                with gzip.open(self.folder / f"data/squad/{name}.json.gz", "rt", encoding="utf8") as file:
                    contents.append(json.load(file))
            examples = self.peer.squad_examples(contents, vocabulary)
        grouped = self.peer.grouped(examples, 4 if self.few else 32)[:count]
        return [self.peer.padded(batch, kind, self.options.peer) for batch in grouped]

    def lengths(self):
        rows = [("CoNLL-2003, tags", "ner", "run_ner", "data/conll2003/train.txt", 100, 300),
                ("SQuAD, answers, up to 384", "squad", "run_squad",
                 "data/squad/train_part1.json.gz,data/squad/train_part2.json.gz", 30, 90)]
        if self.few:
            rows = [("CoNLL-2003, a few", "ner", "run_ner", "few/ner.txt", 1, 2),
                    ("SQuAD, a few", "squad", "run_squad", "few/squad.json", 1, 1)]
        self.say("Training at the lengths of real texts, BERT-base, batch 32, bf16: examples a second. PyTorch's batches are of like "
                 "length and padded, ours neither; of a long text PyTorch gets the beginning, ours is cut into windows.")
        self.head("data", "", "examples/s")
        for title, kind, program, train, first_steps, steps in rows:
            ways = {"Gradus": partial(self.our_rate, program, train, first_steps, steps)}
            if self.peer is not None:
                batches = self.attempt(f"{title}, batches", partial(self.batches, kind, first_steps + steps), False)
                if batches:
                    ways.update({name: partial(self.their_rate, name, kind, batches, first_steps, steps) for name in self.peers()})
            for name, seconds in self.faster(title, ways).items():
                self.row(title, name, f"{1 / seconds:.0f}")
            self.trainings.clear()
        self.say()

    # --- attention alone ----------------------------------------------------------------------------

    def attention(self):
        conll = self.conll_lengths()
        rows = [("64 x 512", [512] * 64), ("256 x 128", [128] * 256)] + ([("1024 sentences of CoNLL-2003", conll)] if conll else [])
        heads, calls = 16, 20
        if self.few:
            rows, heads, calls = [("2 x 33", [33] * 2), ("of a few sentences", (conll or [5, 40])[:3])], 2, 1
        self.say(f"Attention alone, {heads} heads of 64, bf16, without dropout; arithmetic is that of two products forward and four "
                 "backward. PyTorch takes lengths that differ as a nested tensor.")
        self.head("lengths", "", "forward ms", "TFLOP/s", "backward ms", "TFLOP/s")
        for title, lengths in rows:
            ways = {"Gradus": partial(self.our_attention, lengths, heads, calls)}
            if self.peer is not None:
                kernels = ["math"] if self.options.peer == "cpu" else ["flash", "cudnn"]
                ways.update({f"PyTorch, {kernel}": partial(self.peer.attention, self.options.peer, lengths, heads, 64, kernel, calls)
                             for kernel in kernels})
            flops = 4 * sum(length * length for length in lengths) * heads * 64
            for name, (forward, backward) in self.faster(title, ways, sum).items():
                self.row(title, name, f"{forward * 1e3:.3f}", f"{flops / forward / 1e12:.1f}", f"{backward * 1e3:.3f}",
                         f"{2 * flops / backward / 1e12:.1f}")
        self.say()

    def conll_lengths(self):
        """Of sentences as pieces where PyTorch's tokenizer is there, else as words and two more."""
        path = self.folder / ("few/ner.txt" if self.few else "data/conll2003/train.txt")
        if not path.exists():
            return []
        if self.peer is not None:
            return [len(ids) for ids, _ in self.peer.ner_examples(path, self.folder / "data/vocab/cased.txt")][:1024]
        blocks = path.read_text(encoding="utf8").split("\n\n")
        return [len(block.splitlines()) + 2 for block in blocks if block.strip()][:1024]

    def our_attention(self, lengths, heads, calls):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("\n".join(map(str, lengths)) + "\n")
            file.flush()
            said = self.ours("attention_bench", "--device_target", "CUDA", "--heads", heads, "--calls", calls, "bf16", file.name)
        return tuple(float(re.search(rf"{word} ([\d.e+-]+) ms", said)[1]) / 1e3 for word in ("forward", "backward"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", action="store_true")
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--peak", type=float, default=989)
    parser.add_argument("--peer", choices=["cuda", "cpu", "none"], default="cuda")
    parser.add_argument("--rows", default="attention,steps,lengths")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("tables", type=pathlib.Path)
    options = parser.parse_args()
    bench = Bench(options)
    try:
        if options.few:
            bench.say("On an emulated device: no figure here says anything.\n")
        if bench.peer is not None:
            bench.say(bench.peer.description(options.peer) + "\n")
        for name in options.rows.split(","):
            if name not in ("steps", "lengths", "attention"):
                parser.error(f"--rows: '{name}': expected steps, lengths or attention")
            if name == "lengths" and not (bench.folder / "data").exists():
                print("skipped: no data was packed")
                continue
            getattr(bench, name)()
    finally:
        options.tables.write_text("\n".join(bench.lines) + "\n", encoding="utf8")
    if bench.failures:
        sys.exit(f"error: {bench.failures} measurements of ours failed")


if __name__ == "__main__":
    main()
