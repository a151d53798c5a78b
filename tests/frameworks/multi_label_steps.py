#!/usr/bin/env python3
"""Fine-tunes the same model on the same texts with any number of labels with Gradus and with transformers, both in float32,
dropout off, and compares every step's loss and gradient norm, then the scores with scikit-learn's. A text's labels are facts
about it: which words it has and how long it is. Needs PyTorch, transformers and scikit-learn.

  usage: GRADUS_PROGRAMS=BUILD/tasks multi_label_steps.py MODEL TEXTS [STEPS]      (a model's folder, a text a line; 30)
"""
import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import torch
from sklearn.metrics import accuracy_score, average_precision_score, f1_score
from transformers import AutoModelForSequenceClassification, BertTokenizerFast

from pretraining_steps import curves, worst

BATCH, RATE, WARMUP, DECAY, LONGEST = 8, 5e-5, 4, 0.01, 64
LABELS = {"the": lambda words: "the" in words, "plural": lambda words: any(w.endswith("s") for w in words),
          "long": lambda words: len(words) > 8, "name": lambda words: any(w[0].isupper() for w in words[1:]),
          "to": lambda words: "to" in words}


def run(program, *arguments):
    return subprocess.run([pathlib.Path(os.environ["GRADUS_PROGRAMS"]) / program, *map(str, arguments)], check=True,
                          capture_output=True, text=True).stdout


def write_table(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["text", *LABELS])
        table.writerows([text, *map(int, holds)] for text, holds in rows)


def first_model(source, folder):
    """A model for these labels, its head fixed numbers, as transformers saves it."""
    model = AutoModelForSequenceClassification.from_pretrained(
        source, num_labels=len(LABELS), problem_type="multi_label_classification",
        id2label=dict(enumerate(LABELS)), label2id={name: i for i, name in enumerate(LABELS)})
    weight = model.classifier.weight
    with torch.no_grad():
        numbers = 0.05 * torch.sin(0.7 * torch.arange(weight.numel(), dtype=torch.float64) + 0.3)
        weight.copy_(numbers.reshape(weight.shape))
        model.classifier.bias.zero_()
    model.save_pretrained(folder)
    (folder / "vocab.txt").write_bytes((pathlib.Path(source) / "vocab.txt").read_bytes())
    return BertTokenizerFast(vocab=str(folder / "vocab.txt"), do_lower_case=True)


def tensors(tokenizer, rows):
    batch = tokenizer([text for text, _ in rows], padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")
    return {**batch, "labels": torch.tensor([holds for _, holds in rows], dtype=torch.float32)}


def train(folder, tokenizer, rows, steps):
    """Losses and gradient norms of a run of transformers."""
    model = AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation="eager")
    assert model.config.problem_type == "multi_label_classification"
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0
    model.train()
    kept = [p for n, p in model.named_parameters() if "bias" in n or "LayerNorm" in n]
    decayed = [p for n, p in model.named_parameters() if "bias" not in n and "LayerNorm" not in n]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": DECAY}, {"params": kept, "weight_decay": 0}],
                                  lr=RATE, eps=1e-8)
    losses, norms = [], []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = RATE * ((step + 1) / WARMUP if step < WARMUP else (steps - step) / (steps - WARMUP))
        loss = model(**tensors(tokenizer, rows[step * BATCH:(step + 1) * BATCH])).loss
        optimizer.zero_grad()
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).item())
        optimizer.step()
        losses.append(loss.item())
    return losses, norms


def scores_of(folder, tokenizer, rows):
    """What transformers and scikit-learn make of the trained folder."""
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    assert model.config.problem_type == "multi_label_classification"
    found, losses = [], []
    with torch.no_grad():
        for row in rows:
            output = model(**tensors(tokenizer, [row]))
            found.append(torch.sigmoid(output.logits.double())[0].tolist())
            losses.append(output.loss.item())
    thresholds = json.loads((folder / "config.json").read_text())["gradus_classifier"]["thresholds"] or [0.5] * len(LABELS)
    gold = [[int(h) for h in holds] for _, holds in rows]
    predicted = [[int(x >= t) for x, t in zip(row, thresholds)] for row in found]
    return {"eval_loss": sum(losses) / len(losses),
            "micro_f1": 100 * f1_score(gold, predicted, average="micro", zero_division=0),
            "macro_f1": 100 * f1_score(gold, predicted, average="macro", zero_division=0),
            "micro_average_precision": 100 * average_precision_score(gold, found, average="micro"),
            "macro_average_precision": 100 * average_precision_score(gold, found, average="macro"),
            "subset_accuracy": 100 * accuracy_score(gold, predicted)}


def main():
    source, path = sys.argv[1:3]
    steps = int(sys.argv[3]) if len(sys.argv) > 3 else 30
    texts = [line.strip() for line in open(path, encoding="utf-8") if len(line.split()) > 3][:steps * BATCH + 200]
    rows = [(text, [holds(text.split()) for holds in LABELS.values()]) for text in texts]
    training, held_out = rows[:steps * BATCH], rows[steps * BATCH:]
    with tempfile.TemporaryDirectory(prefix="gradus-labels-") as name:
        folder = pathlib.Path(name)
        write_table(folder / "train.csv", training)
        write_table(folder / "dev.csv", held_out)
        tokenizer = first_model(source, folder / "first")
        run("run_classifier", "--do_train", "--do_eval", "--tune_thresholds", "--label_columns", ",".join(LABELS),
            "--load_pretrain_checkpoint_path", folder / "first", "--train_data_file_path", folder / "train.csv",
            "--eval_data_file_path", folder / "dev.csv", "--dropout", 0, "--train_data_shuffle", "false",
            "--train_batch_size", BATCH, "--weight_decay", DECAY, "--seq_length", LONGEST, "--learning_rate", RATE,
            "--warmup_steps", WARMUP, "--max_steps", steps, "--log_dir", folder / "events", "--metrics_file",
            folder / "metrics.json", "--save_finetune_checkpoint_path", folder / "saved")
        found = curves(folder / "events")
        losses, norms = train(folder / "first", tokenizer, training, steps)
        metrics = json.loads((folder / "metrics.json").read_text())
        expected = scores_of(folder / "saved" / f"checkpoint-{steps}", tokenizer, held_out)
    of_losses, of_norms = worst(found["train/loss"], losses), worst(found["train/gradient_norm"], norms)
    differences = {score: abs(metrics[score] - value) for score, value in expected.items()}
    of_loss, of_scores = differences.pop("eval_loss"), max(differences.values())
    print(f"{steps} steps, losses {losses[0]:.4f} to {losses[-1]:.4f}; largest relative difference of losses "
          f"{of_losses:.2e}, of gradient norms {of_norms:.2e}")
    print("scores: " + ", ".join(f"{score} {value:.4f}" for score, value in expected.items()) +
          f"; eval_loss {of_loss:.2e} off, the others at most {of_scores:.2e}")
    sys.exit(0 if of_losses < 1e-3 and of_norms < 1e-3 and of_loss < 1e-5 and of_scores < 1e-3 else 1)


if __name__ == "__main__":
    main()
