"""Times an encoder that Gradus has exported in ONNX Runtime, in turns with the same encoder as transformers and torch.onnx export it,
and compares what both give.

Usage: export_speed.py EXPORT FOLDER [SECONDS], in an environment with torch, transformers, onnxscript and onnxruntime. EXPORT is the
program; FOLDER a model of transformers', or "base": BERT-base with random weights. Each size takes SECONDS (10)."""
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime
import torch
import transformers

# Texts, tokens.
SIZES = [(1, 16), (1, 128), (8, 128), (4, 384)]


def export_theirs(folder, path):
    model = transformers.AutoModel.from_pretrained(folder).eval()
    ids = torch.randint(1000, 2000, (2, 16))
    axes = {0: "batch", 1: "sequence"}
    torch.onnx.export(model, (ids, torch.ones_like(ids), torch.zeros_like(ids)), str(path), dynamo=True,
                      dynamic_shapes=(axes, axes, axes))


def main():
    program, folder = sys.argv[1:3]
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 10
    with tempfile.TemporaryDirectory(prefix="gradus-export-") as name:
        root = pathlib.Path(name)
        if folder == "base":
            folder = str(root / "base")
            torch.manual_seed(1)
            transformers.BertModel(transformers.BertConfig()).save_pretrained(folder)
            words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + [f"w{i}" for i in range(30517)]
            (root / "base" / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
        export_theirs(folder, root / "theirs.onnx")
        subprocess.run([program, "--load_finetune_checkpoint_path", folder, "--export_file_name", root / "ours" / "model.onnx"],
                       check=True, stdout=subprocess.DEVNULL)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = os.cpu_count()
        sessions = [onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
                    for path in (root / "ours" / "model.onnx", root / "theirs.onnx")]
        random = np.random.default_rng(1)
        print("texts tokens   ours ms  theirs ms  ratio (median of turns)  largest difference")
        for texts, tokens in SIZES:
            inputs = {"input_ids": random.integers(1000, 2000, (texts, tokens)),
                      "attention_mask": np.ones((texts, tokens), np.int64), "token_type_ids": np.zeros((texts, tokens), np.int64)}
            hidden, times = [], [[], []]
            run = lambda session: session.run(None, inputs)[0]  # the hidden states come first
            hidden = [run(session) for session in sessions]
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                for session, taken in zip(sessions, times, strict=True):
                    begin = time.perf_counter()
                    run(session)
                    taken.append(time.perf_counter() - begin)
            ours, theirs = map(np.array, times)
            print(f"{texts:5} {tokens:6} {np.median(ours) * 1e3:9.2f} {np.median(theirs) * 1e3:10.2f} "
                  f"{np.median(ours / theirs):24.3f}  {np.abs(hidden[0] - hidden[1]).max():.1e}", flush=True)


if __name__ == "__main__":
    main()
