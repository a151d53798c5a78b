#!/usr/bin/env python3
"""Runs the three drivers on real data on a device, for tests/gpu/check.sh.

usage: drivers.py [--few] FOLDER follow|repeat|learn ner|classifier|squad [fp32|bf16]
  FOLDER  what tests/gpu/pack.sh made; GRADUS_LIBRARIES says where the programs find their libraries and backends
  follow  ten steps on the device and on the CPU, whose losses have to agree
  repeat  two runs of the device, which have to save the same bytes
  learn   the training of docs/benchmarks.md, whose score has to be what it is there
  --few   a few examples and a network of one layer, for an emulated device: what is learned is not looked at then
"""
import argparse
import hashlib
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

# What trains, what is scored, how, and the score that a run has to reach: the lowest of three seeds in docs/benchmarks.md less a point and a
# half, since the weights that begin are rounded to 16 bits and another backend rounds otherwise.
TASKS = {
    "ner": dict(program="run_ner", train="data/conll2003/train.txt", dev="data/conll2003/dev.txt", few="few/ner.txt",
                options=["--learning_rate=1e-4", "--epoch_num=3"], score="span_f1", least=89.0),
    "classifier": dict(program="run_classifier", train="data/mrpc/train.tsv", dev="data/mrpc/dev.tsv", few="few/mrpc.tsv",
                       options=["--task_name=mrpc", "--learning_rate=5e-5", "--epoch_num=3"], score="accuracy", least=78.4),
    "squad": dict(program="run_squad", train="data/squad/train_part1.json.gz,data/squad/train_part2.json.gz",
                  dev="data/squad/dev_v1.1_first24.json.gz", few="few/squad.json",
                  options=["--learning_rate=1e-4", "--epoch_num=1"], score="f1", least=65.2),
}
# How far the mean loss of ten steps may lie from the CPU's, relative. The tests' own tiny networks keep to 1e-4 and 2e-2.
TOLERANCE = {"fp32": 1e-3, "bf16": 3e-2}


class Driver:
    def __init__(self, folder, task, few):
        self.folder, self.task, self.few = folder, TASKS[task], few

    def paths(self, names):
        return ",".join(str(self.folder / name) for name in names.split(","))

    def run(self, scratch, device, numbers, options, scored=False):
        """Trains, and returns what the run measured."""
        task = self.task
        metrics = scratch / f"{device}.json"
        command = [str(self.folder / "bin" / task["program"]), "--do_train", f"--device_target={device}",
                   f"--compute_type={numbers}", f"--metrics_file={metrics}"]
        command += [f"--train_data_file_path={self.paths(task['few'] if self.few else task['train'])}"]
        if scored:
            command += ["--do_eval", f"--eval_data_file_path={self.paths(task['few'] if self.few else task['dev'])}"]
        command += [option for option in task["options"] if option.startswith("--task_name") or "learning_rate" in option]
        if (self.folder / "model").exists() and not self.few:
            command += [f"--load_pretrain_checkpoint_path={self.folder / 'model'}"]
        else:
            command += [f"--vocab_file_path={self.folder / 'data/vocab/uncased.txt'}", "--do_lower_case=true"]
            command += ["--hidden_size=32", "--num_hidden_layers=1", "--num_attention_heads=1", "--intermediate_size=64"]
        if self.few:
            command += ["--train_batch_size=8"]
        print(" ".join(command + options), flush=True)
        libraries = dict(os.environ, LD_LIBRARY_PATH=os.environ["GRADUS_LIBRARIES"])
        done = subprocess.run(command + options, env=libraries, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"error: exit status {done.returncode}\n" + done.stdout[-3000:])
        return json.loads(metrics.read_text())

    def steps(self, count):
        return f"--max_steps={min(count, 2) if self.few else count}"

    def follow(self, scratch, numbers):
        options = [self.steps(10), "--save_finetune_checkpoint_path="]
        device, cpu = (self.run(scratch, name, numbers, options)["train_loss"] for name in ("CUDA", "CPU"))
        distance = abs(device - cpu) / abs(cpu)
        print(f"note: loss {device:.9f}, on the CPU {cpu:.9f}: {distance:.1e} apart")
        if not distance <= TOLERANCE[numbers]:
            sys.exit(f"error: more than {TOLERANCE[numbers]:g}")

    def repeat(self, scratch, numbers):
        sums = []
        for number in range(2):
            saved = scratch / f"run{number}"
            self.run(scratch, "CUDA", numbers, [self.steps(20), f"--save_finetune_checkpoint_path={saved}"])
            files = sorted(saved.rglob("*.safetensors"))
            if not files:
                sys.exit(f"error: {saved} has no weights")
            sums.append([(file.name, hashlib.sha256(file.read_bytes()).hexdigest()) for file in files])
        print(f"note: {len(sums[0])} files, sha256 {sums[0][0][1][:16]}...")
        if sums[0] != sums[1]:
            sys.exit(f"error: the second run gave {sums[1]}")

    def learn(self, scratch, numbers):
        options = ["--save_finetune_checkpoint_path="]
        if self.few:
            options += [self.steps(2)]
        else:
            options += [option for option in self.task["options"] if "epoch_num" in option]
        found = self.run(scratch, "CUDA", numbers, options, scored=True)
        score, rate = found[self.task["score"]], found["examples_per_second"]
        print(f"note: {self.task['score']} {score:.2f}, loss {found['train_loss']:.4f}, {rate:.0f} examples/s in training")
        if not math.isfinite(found["train_loss"]):
            sys.exit("error: the loss is not finite")
        if self.few or not (self.folder / "model").exists():
            print("without a pretrained model the score says nothing")
        elif not score >= self.task["least"]:
            sys.exit(f"error: expected {self.task['least']} or more")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", action="store_true")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("what", choices=["follow", "repeat", "learn"])
    parser.add_argument("task", choices=list(TASKS))
    parser.add_argument("numbers", nargs="?", choices=["fp32", "bf16"], default="fp32")
    options = parser.parse_args()
    if not (options.folder / "data").exists():
        print("skipped: no data was packed")
        sys.exit(77)
    driver = Driver(options.folder.resolve(), options.task, options.few)
    with tempfile.TemporaryDirectory() as scratch:
        getattr(driver, options.what)(pathlib.Path(scratch), options.numbers)


if __name__ == "__main__":
    main()
