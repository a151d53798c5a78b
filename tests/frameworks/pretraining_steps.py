#!/usr/bin/env python3
"""Pretrains the same model on the same records with Gradus, in float32, and with PyTorch, in float64, dropout off, and compares
every step's loss and gradient norm. (PyTorch's own float32 is a hundredth off its float64 after 200 steps.) Needs PyTorch and
transformers.

  usage: GRADUS_PROGRAMS=BUILD/tasks pretraining_steps.py TEXT VOCABULARY [STEPS]      (200)
"""
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

import torch
from transformers import BertForPreTraining

BATCH, RATE, WARMUP, DECAY = 8, 1e-3, 20, 0.01


def run(program, *arguments):
    subprocess.run([pathlib.Path(os.environ["GRADUS_PROGRAMS"]) / program, *map(str, arguments)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


# --- protocol buffers, as far as they are needed ---------------------------------------------------------------

def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def fields(data):
    """(number, value) of each field: bytes, or an unsigned number."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = varint(data, at)
        else:
            size, at = varint(data, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
            value, at = data[at:at + size], at + size
        yield tag >> 3, value


def framed(path):
    """The records of a TFRecord file; event files are ones too."""
    data, at = pathlib.Path(path).read_bytes(), 0
    while at < len(data):
        (size,) = struct.unpack_from("<Q", data, at)
        yield data[at + 12:at + 12 + size]
        at += 16 + size


def integers(data):
    values, at = [], 0
    while at < len(data):
        value, at = varint(data, at)
        values.append(value)
    return values


def example(record):
    """Lists of numbers by the names of their columns."""
    columns = {}
    for _, features in fields(record):
        for _, entry in fields(features):
            name, feature = (value for _, value in fields(entry))
            for kind, numbers in fields(feature):
                (packed,) = [value for _, value in fields(numbers)]
                columns[name.decode()] = (integers(packed) if kind == 3 else
                                          list(struct.unpack(f"<{len(packed) // 4}f", packed)))
    return columns


def curves(folder):
    """Values of each curve in the order of their steps."""
    found = {}
    for path in pathlib.Path(folder).iterdir():
        for record in framed(path):
            for number, summary in fields(record):
                if number != 5:
                    continue
                for _, value in fields(summary):
                    parts = dict(fields(value))
                    found.setdefault(parts[1].decode(), []).append(struct.unpack("<f", parts[2])[0])
    return found


# --- PyTorch ---------------------------------------------------------------------------------------------------

def tensors(rows):
    def column(name):
        return torch.tensor([row[name] for row in rows])
    labels = torch.full((len(rows), len(rows[0]["input_ids"])), -100)
    for number, row in enumerate(rows):
        for position, word, weight in zip(row["masked_lm_positions"], row["masked_lm_ids"], row["masked_lm_weights"]):
            if weight > 0:
                labels[number, position] = word
    return {"input_ids": column("input_ids"), "attention_mask": column("input_mask"),
            "token_type_ids": column("segment_ids"), "labels": labels,
            "next_sentence_label": column("next_sentence_labels").squeeze(1)}


def rate(step, steps):
    return RATE * (step + 1) / WARMUP if step < WARMUP else RATE * (steps - step) / (steps - WARMUP)


def train(folder, rows, steps):
    """Losses and gradient norms of a run of PyTorch."""
    model = BertForPreTraining.from_pretrained(folder, attn_implementation="eager")
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0
    model.double().train()
    kept = [p for n, p in model.named_parameters() if "bias" in n or "LayerNorm" in n]
    decayed = [p for n, p in model.named_parameters() if "bias" not in n and "LayerNorm" not in n]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": DECAY}, {"params": kept, "weight_decay": 0}],
                                  lr=RATE, eps=1e-8)
    batches = [rows[i:i + BATCH] for i in range(0, len(rows), BATCH)]
    losses, norms = [], []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate(step, steps)
        loss = model(**tensors(batches[step % len(batches)])).loss
        optimizer.zero_grad()
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).item())
        optimizer.step()
        losses.append(loss.item())
    return losses, norms


def worst(found, expected):
    return max(abs(a - b) / abs(b) for a, b in zip(found, expected, strict=True))


def main():
    text, vocabulary = sys.argv[1:3]
    steps = int(sys.argv[3]) if len(sys.argv) > 3 else 200
    with tempfile.TemporaryDirectory(prefix="gradus-pretraining-") as name:
        folder = pathlib.Path(name)
        records = folder / "records.tfrecord"
        run("generate_pretraining_records", "--input_file", text, "--output_file", records, "--vocab_file", vocabulary,
            "--dataset_format", "tfrecord", "--max_seq_length", 64, "--max_predictions_per_seq", 10)
        common = ["--data_dir", records, "--dataset_format", "tfrecord", "--dropout", 0, "--do_shuffle", "false",
                  "--batch_size", BATCH, "--weight_decay", DECAY]
        run("run_pretrain", *common, "--vocab_file_path", vocabulary, "--hidden_size", 64, "--num_hidden_layers", 3,
            "--num_attention_heads", 4, "--learning_rate", 0, "--train_steps", 1, "--save_checkpoint_path", folder / "first")
        first = folder / "first" / "checkpoint-1"
        run("run_pretrain", *common, "--load_checkpoint_path", first, "--learning_rate", RATE, "--warmup_steps", WARMUP,
            "--train_steps", steps, "--log_dir", folder / "events", "--save_checkpoint_path", folder / "last")
        found = curves(folder / "events")
        losses, norms = train(first, [example(record) for record in framed(records)], steps)
    of_losses, of_norms = worst(found["train/loss"], losses), worst(found["train/gradient_norm"], norms)
    print(f"{steps} steps, losses {losses[0]:.4f} to {losses[-1]:.4f}; largest relative difference of losses "
          f"{of_losses:.2e}, of gradient norms {of_norms:.2e}")
    sys.exit(0 if of_losses < 1e-5 and of_norms < 1e-3 else 1)


if __name__ == "__main__":
    main()
