"""Times a tagger of Gradus from text to entities beside the same model in PyTorch, ONNX Runtime and OpenVINO, in turns.

Usage: text_to_result.py FOLDER TEXTS [OPTIONS], in an environment with torch, transformers, onnx, onnxruntime and openvino; GRADUS_LIBRARY names
libgradus.so. FOLDER: a softmax tagger that run_ner has saved, which transformers loads as it is. TEXTS: a sentence a line, or words in the first column of
lines with a blank one after each sentence. Every engine is given the text and gives what was found in it: cutting it into pieces and finding the tags count.

Two orders of the texts, 64 at a time: as they come, and by length, as a program sorts them that has all texts at hand. Then one text at a time.
--compute_type fp32|bf16|int8: of Gradus; of the others fp32, or bf16 where they have it. --rounds N (5), --texts N (all), --single N (300)."""
import argparse
import os
import pathlib
import statistics
import sys
import tempfile
import time

import numpy as np
import onnxruntime
import openvino
import torch
import transformers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "examples"))
from gradus import Model  # noqa: E402  the example of the C interface is the interface here

BATCH = 64
LONGEST = 128


def read_texts(path):
    texts, words = [], []
    lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    if not any(line == "" for line in lines[:1000]):
        return lines
    for line in lines + [""]:
        if line.strip() and not line.startswith("-DOCSTART"):
            words.append(line.split()[0])
        elif words:
            texts.append(" ".join(words))
            words = []
    return texts


def engines_of(folder, compute_type, threads):
    """Functions from a list of texts to the tags, or entities, of each."""
    narrow = compute_type == "bf16"
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForTokenClassification.from_pretrained(folder, attn_implementation="eager").eval()
    quick = transformers.AutoModelForTokenClassification.from_pretrained(folder).eval()
    names = ["input_ids", "attention_mask", "token_type_ids"]

    def inputs_of(texts):
        cut = tokenizer(texts, truncation=True, max_length=LONGEST, padding=True, return_tensors="np")
        return {name: cut[name].astype(np.int64) for name in names}

    def in_torch(texts):
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=narrow):
            inputs = {name: torch.from_numpy(value) for name, value in inputs_of(texts).items()}
            return quick(**inputs).logits.argmax(-1).numpy()

    class Logits(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, ids, mask, types):
            return self.model(input_ids=ids, attention_mask=mask, token_type_ids=types).logits

    engines = {"PyTorch": in_torch}
    with tempfile.TemporaryDirectory(prefix="gradus-texts-") as room:
        path = os.path.join(room, "model.onnx")
        sample = tuple(torch.from_numpy(value) for value in inputs_of(["one text", "and another one"]).values())
        torch.onnx.export(Logits(), sample, path, input_names=names, output_names=["logits"], opset_version=17, dynamo=False,
                          dynamic_axes={name: {0: "batch", 1: "sequence"} for name in names})
        if not narrow:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
            engines["ONNX Runtime"] = lambda texts: session.run(None, inputs_of(texts))[0].argmax(-1)
        hints = {"INFERENCE_PRECISION_HINT": "bf16" if narrow else "f32", "INFERENCE_NUM_THREADS": threads}
        compiled = openvino.Core().compile_model(path, "CPU", hints)
    request = compiled.create_infer_request()
    engines["OpenVINO"] = lambda texts: request.infer(inputs_of(texts))[compiled.output(0)].argmax(-1)
    ours = Model(folder, compute_type=compute_type, threads=threads, batch_size=BATCH, seq_length=LONGEST)
    return {"Gradus": lambda texts: ours.run(texts=texts)["results"], **engines}


def rates(engines, texts, rounds):
    """Texts a second of each engine in each round; the engines take turns within a round, batch by batch."""
    batches = [texts[i:i + BATCH] for i in range(0, len(texts), BATCH)]
    found = {name: [] for name in engines}
    for turn in range(rounds + 1):
        taken = dict.fromkeys(engines, 0.0)
        for number, batch in enumerate(batches):
            names = list(engines)
            for name in names[number % len(names):] + names[:number % len(names)]:
                begin = time.perf_counter()
                engines[name](batch)
                taken[name] += time.perf_counter() - begin
        if turn > 0:  # the first makes what is made once
            for name in engines:
                found[name].append(len(texts) / taken[name])
    return found


def show(title, found):
    theirs = {name: statistics.median(values) for name, values in found.items() if name != "Gradus"}
    best = max(theirs, key=theirs.get)
    ratios = [ours / other for ours, other in zip(found["Gradus"], found[best])]
    line = ", ".join(f"{name} {statistics.median(values):.0f}" for name, values in found.items())
    print(f"{title}: {line} texts/s; {statistics.median(ratios):.2f} of {best} ({min(ratios):.2f} to {max(ratios):.2f})", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("texts_file")
    parser.add_argument("--compute_type", default="fp32", choices=["fp32", "bf16", "int8"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--texts", type=int, default=0)
    parser.add_argument("--single", type=int, default=300)
    arguments = parser.parse_args()
    threads = len(os.sched_getaffinity(0))
    torch.set_num_threads(threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    texts = read_texts(arguments.texts_file)
    if arguments.texts > 0:
        texts = texts[:arguments.texts]
    engines = engines_of(arguments.folder, arguments.compute_type, threads)
    print(f"{len(texts)} texts, {arguments.compute_type}, {threads} threads", flush=True)
    show("by length", rates(engines, sorted(texts, key=len), arguments.rounds))
    show("as they come", rates(engines, texts, arguments.rounds))
    few = texts[:arguments.single]
    taken = {name: [] for name in engines}
    for turn in range(3):
        for begin in range(0, len(few), 10):  # turns of ten, so that each finds what it had in the cache
            for name, engine in engines.items():
                for text in few[begin:begin + 10]:
                    start = time.perf_counter()
                    engine([text])
                    if turn > 0:
                        taken[name].append(1e3 * (time.perf_counter() - start))
    print("one text alone, median and 99th percentile in ms: " + ", ".join(
        f"{name} {statistics.median(values):.2f} {sorted(values)[int(len(values) * 0.99)]:.2f}" for name, values in taken.items()))


if __name__ == "__main__":
    main()
