#!/usr/bin/env python3
"""Pretrains the small model with PyTorch on records of generate_pretraining_records, scores it on others, and lays its curve beside
that of a run of run_pretrain on the same records with the same settings. Needs PyTorch, transformers and numpy.

  usage: pretraining_curves.py train --records A.tfrecord --eval B.tfrecord --vocab VOCABULARY --steps N --output OUT.json
         pretraining_curves.py compare OUT.json EVENTS_FOLDER [--points 10]

The run of Gradus: run_pretrain --data_dir A.tfrecord --eval_data_dir B.tfrecord --dataset_format tfrecord --train_steps N --learning_rate RATE
--eval_steps EVERY --log_dir EVENTS_FOLDER. Both take the same optimizer (AdamW, decay 0.01, warm-up over a tenth, linear decay, norm 1),
32 examples a step, dropout 0.1, and an order and initial weights of their own. PyTorch fills every example up to the records' length.
"""
import argparse
import json
import random
import time

import torch
from torch.nn.functional import cross_entropy
from transformers import BertConfig, BertForPreTraining

from pretraining_steps import curves, example, framed, tensors


def read(path):
    """The examples of a file, each a dictionary of short tensors."""
    names = ("input_ids", "input_mask", "segment_ids", "masked_lm_positions", "masked_lm_ids", "masked_lm_weights",
             "next_sentence_labels")
    rows = []
    for record in framed(path):
        columns = example(record)
        rows.append({name: torch.tensor(columns[name], dtype=torch.int32) for name in names})
    return rows


def batch(rows):
    return tensors([{name: column.tolist() for name, column in row.items()} for row in rows])


def predictions(model, inputs):
    """Logits of the masked places alone, what they are, logits of the pairs, and what those are."""
    labels, next_labels = inputs.pop("labels"), inputs.pop("next_sentence_label")
    hidden, pooled = model.bert(**inputs, return_dict=False)
    chosen = labels != -100
    return model.cls.predictions(hidden[chosen]), labels[chosen], model.cls.seq_relationship(pooled), next_labels


@torch.no_grad()
def score(model, rows):
    """Masked words and pairs that are predicted right, in percent, and the mean loss of a masked word."""
    model.eval()
    right = masked = pairs = 0
    loss = 0.0
    for first in range(0, len(rows), 64):
        logits, words, pair_logits, next_labels = predictions(model, batch(rows[first:first + 64]))
        loss += cross_entropy(logits, words, reduction="sum").item()
        right += (logits.argmax(1) == words).sum().item()
        masked += len(words)
        pairs += (pair_logits.argmax(1) == next_labels).sum().item()
    model.train()
    return {"masked_lm_accuracy": 100 * right / masked, "masked_lm_loss": loss / masked,
            "next_sentence_accuracy": 100 * pairs / len(rows)}


def train(options):
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    order = random.Random(options.seed)
    rows, held_out = read(options.records), read(options.eval)
    if len(rows) < options.batch:
        raise SystemExit(f"error: {options.records} has {len(rows)} records, a batch {options.batch}")
    with open(options.vocab, encoding="utf-8", newline="\n") as file:
        words = sum(1 for _ in file)
    model = BertForPreTraining(BertConfig(vocab_size=words, hidden_size=256, num_hidden_layers=4, num_attention_heads=4,
                                          intermediate_size=1024))
    model.train()
    kept = [p for n, p in model.named_parameters() if "bias" in n or "LayerNorm" in n]
    decayed = [p for n, p in model.named_parameters() if "bias" not in n and "LayerNorm" not in n]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.01}, {"params": kept, "weight_decay": 0}],
                                  lr=options.rate, eps=1e-8, fused=True)
    warmup = options.steps // 10
    print(f"{len(rows)} examples, {len(held_out)} to score on, {sum(p.numel() for p in model.parameters())} parameters", flush=True)
    losses, scores, left, seconds = [], {}, [], 0.0
    for step in range(options.steps):
        if len(left) < options.batch:
            left = list(range(len(rows)))
            order.shuffle(left)
        inputs = batch([rows[left.pop()] for _ in range(options.batch)])
        begin = time.perf_counter()
        for group in optimizer.param_groups:
            group["lr"] = options.rate * ((step + 1) / warmup if step < warmup else (options.steps - step) / (options.steps - warmup))
        logits, words, pair_logits, next_labels = predictions(model, inputs)
        loss = cross_entropy(logits, words) + cross_entropy(pair_logits, next_labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        seconds += time.perf_counter() - begin
        if (step + 1) % options.every == 0 or step + 1 == options.steps:
            scores[step + 1] = score(model, held_out)
            print(f"step {step + 1}, loss {sum(losses[-100:]) / len(losses[-100:]):.4f}, {scores[step + 1]}, "
                  f"{(step + 1) * options.batch / seconds:.1f} examples/s", flush=True)
            with open(options.output, "w", encoding="utf-8") as file:
                json.dump({"losses": losses, "scores": scores, "seconds": seconds}, file)


def compare(options):
    """A table of both curves: means of the steps between two points. Fails where Gradus' loss is more than 1 % above PyTorch's, or
    its last accuracy more than half a point below."""
    with open(options.peer, encoding="utf-8") as file:
        peer = json.load(file)
    found = curves(options.events)
    ours, theirs = found["train/loss"], peer["losses"]
    if len(ours) != len(theirs):
        raise SystemExit(f"error: {len(ours)} losses of Gradus, {len(theirs)} of PyTorch")
    width = len(theirs) // options.points
    if width == 0:
        raise SystemExit(f"error: --points {options.points}: there are {len(theirs)} steps")
    ok = True
    print("| steps | PyTorch | Gradus | |\n|---|---|---|---|")
    for first in range(0, len(theirs), width):
        part = len(theirs[first:first + width])
        a, b = (sum(losses[first:first + width]) / part for losses in (theirs, ours))
        ok = ok and b / a <= 1.01
        print(f"| {first + 1} to {first + part} | {a:.4f} | {b:.4f} | {b / a:.4f} |")
    last = max(peer["scores"], key=int)
    for name, value in peer["scores"][last].items():
        mine = found["eval/" + name][-1]
        print(f"| {name} | {value:.3f} | {mine:.3f} | {mine / value:.4f} |")
        if name == "masked_lm_accuracy":
            ok = ok and mine >= value - 0.5
    raise SystemExit(0 if ok else 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    trains = commands.add_parser("train")
    trains.set_defaults(run=train)
    for name in ("--records", "--eval", "--vocab", "--output"):
        trains.add_argument(name, required=True)
    for name, value in {"--steps": 1000, "--every": 500, "--batch": 32, "--seed": 1, "--threads": 2}.items():
        trains.add_argument(name, type=int, default=value)
    trains.add_argument("--rate", type=float, default=5e-4)
    compares = commands.add_parser("compare")
    compares.set_defaults(run=compare)
    compares.add_argument("peer")
    compares.add_argument("events")
    compares.add_argument("--points", type=int, default=10)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
