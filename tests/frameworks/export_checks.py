"""Runs exported models of every task in ONNX Runtime and OpenVINO, as far as these are there, and compares their outputs with what
Gradus computes itself: batches of 1 and 7 texts of up to 3, 50 and 512 tokens, padded.

Usage: export_checks.py MODEL_OUTPUTS [TASK], in an environment with numpy, onnx and the runtimes; MODEL_OUTPUTS is the program of
model_outputs.cpp. GRADUS_PROGRAMS is the folder of the programs. A model of GRADUS_MINILM, where it is set, is checked too."""
import collections
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

PROGRAMS = pathlib.Path(os.environ["GRADUS_PROGRAMS"])
# Of outputs, against the largest of them where that is more than 1.
TOLERANCES = {"fp32": 1e-4, "fp16": 5e-3, "bf16": 5e-2}
# Of the ids that texts are made of; the vocabularies here have more.
WORDS = 60
SIZES = [(batch, length) for batch in (1, 7) for length in (3, 50, 512)]


def run(program, *arguments, text=None):
    done = subprocess.run([program, *map(str, arguments)], input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{program} {' '.join(map(str, arguments))}: {done.stderr}")
    return done.stdout


def installed(name):
    return importlib.util.find_spec(name) is not None


class OnnxFile:
    """What a graph takes and gives."""

    def __init__(self, path):
        import onnx
        self.path, self.graph = path, onnx.load(path, load_external_data=False).graph
        self.inputs = [value.name for value in self.graph.input]
        self.outputs = [value.name for value in self.graph.output]


class OnnxRuntime(OnnxFile):
    name, is_there = "ONNX Runtime", installed("onnxruntime")
    types = ["fp32", "fp16"]  # it has no kernels for bf16 on processors

    def __init__(self, path):
        super().__init__(path)
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.optimized = str(path) + ".optimized"
        options.optimized_model_filepath = self.optimized
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def __call__(self, inputs):
        return dict(zip(self.outputs, self.session.run(self.outputs, inputs), strict=True))

    def operators(self):
        return collections.Counter(node.op_type for node in OnnxFile(self.optimized).graph.node)


class OpenVino(OnnxFile):
    name, is_there = "OpenVINO", installed("openvino")
    types = ["fp32", "fp16", "bf16"]

    def __init__(self, path):
        super().__init__(path)
        import openvino
        settings = {"INFERENCE_PRECISION_HINT": "f32"}  # it would compute in 16 bits where the processor can
        self.model = openvino.Core().compile_model(str(path), "CPU", settings)

    def __call__(self, inputs):
        # It removes casts and calls their results by both names.
        return {name: value for output, value in self.model(inputs).items() for name in output.names if name in self.outputs}


RUNTIMES = [runtime for runtime in (OnnxRuntime, OpenVino) if runtime.is_there]


class Texts:
    """Texts of random pieces, or pairs of them, of lengths up to `longest`, of which the last one has it."""

    def __init__(self, batch, longest, seed, pairs):
        random = np.random.default_rng(seed)
        lengths = [*random.integers(3, longest + 1, batch - 1), longest]
        self.ids = [random.integers(5, WORDS, length).tolist() for length in lengths]
        self.token_types = [[0] * (length // 2) + [int(pairs)] * (length - length // 2) for length in lengths]
        # Words of one or two pieces, between [CLS] and [SEP].
        self.words = [sorted(random.choice(np.arange(1, length - 1), max(1, (length - 2) * 2 // 3), replace=False).tolist())
                      for length in lengths]

    @staticmethod
    def padded(lists, filler):
        result = np.full((len(lists), max(map(len, lists))), filler, np.int64)
        for row, values in zip(result, lists, strict=True):
            row[:len(values)] = values
        return result

    def inputs(self, names):
        # What stands in the padding is not to be looked at.
        arrays = {"input_ids": self.padded(self.ids, 7), "token_type_ids": self.padded(self.token_types, 1),
                  "attention_mask": self.padded([[1] * len(ids) for ids in self.ids], 0),
                  "word_positions": self.padded(self.words, -1)}
        return {name: arrays[name] for name in names}

    def expected(self, program, model, folder):
        lists = {"input_ids": self.ids, "token_type_ids": self.token_types, "word_positions": self.words}
        run(program, model.folder, folder / "ours", *(["encoder"] if model.task == "encoder" else []), text=json.dumps(lists))
        return {name: np.fromfile(folder / f"ours.{name}", np.int32 if name == "tags" else np.float32) for name in model.ours}


def packed(array, lists):
    """The parts of a padded array that belong to something, one after the other."""
    return np.concatenate([row[:len(values)] for row, values in zip(array, lists, strict=True)])


def ours_of(task, expected):
    """Gradus' outputs by the names of the graph's."""
    if task == "squad":
        both = expected["logits"].reshape(-1, 2)
        return {"start_logits": both[:, 0], "end_logits": both[:, 1]}
    return expected


class Model:
    """A trained model, and how it is exported."""

    def __init__(self, task, folder, *options, by_words=False, outputs=("logits",), ours=None):
        self.task, self.folder, self.options, self.by_words = task, folder, options, by_words
        self.outputs, self.ours = outputs, ours or outputs

    @property
    def config(self):
        return json.loads(next(self.folder.rglob("config.json")).read_text(encoding="utf-8"))

    def lists(self, name, texts):
        if name in ("logits", "emissions", "tags") and self.task == "ner":
            return texts.words
        return None if name in ("logits", "pooler_output", "seq_relationship_logits") else texts.ids


def check_fusions(runtime, model):
    """ONNX Runtime's optimizer puts its own kernels in the place of each layer norm with the sum before it, and of each gelu with its
    bias. The norm of the head that predicts words has no such sum, but a gelu before it."""
    found, layers = runtime.operators(), model.config["num_hidden_layers"]
    heads = int(model.task == "pretraining")
    wanted = {"LayerNormalization": heads, "SkipLayerNormalization": 2 * layers + 1, "BiasGelu": layers + heads}
    counted = {name: found[name] for name in wanted}
    if counted != wanted:
        raise SystemExit(f"{model.folder}: ONNX Runtime fuses {counted}, expected {wanted}")
    return f"{counted['SkipLayerNormalization']} sums with layer norms and {counted['BiasGelu']} gelus fused"


def compare(program, model, runtime, kind, work, sizes=tuple(SIZES)):
    """The largest difference."""
    largest, path = 0, runtime.path
    for batch, length in sizes:
        texts = Texts(batch, length, seed=batch * length, pairs=model.task != "ner")
        found = runtime(texts.inputs(runtime.inputs))
        if sorted(found) != sorted(model.outputs):
            raise SystemExit(f"{path}: outputs {sorted(found)}, expected {sorted(model.outputs)}")
        expected = texts.expected(program, model, work)
        for name, ours in ours_of(model.task, expected).items():
            array = found["emissions" if name == "emissions" and "emissions" in found else
                          "logits" if name == "emissions" else name]
            lists = model.lists(name, texts)
            if name == "emissions" and not model.by_words:  # those of all pieces
                array = np.concatenate([row[words] for row, words in zip(array, texts.words, strict=True)])
            elif lists is not None:
                if name == "tags" and any((row[len(words):] != -1).any() for row, words in zip(array, lists, strict=True)):
                    raise SystemExit(f"{path}: tags behind a text's end are not -1")
                array = packed(array, lists)
            if name == "prediction_logits":  # ours are filled up with words of no chance
                ours = ours.reshape(len(array), -1)[:, :array.shape[-1]]
            ours = ours.reshape(array.shape)
            if name == "tags" and kind == "fp32" and (array != ours).any():
                raise SystemExit(f"{path}: {batch} texts of {length}: {(array != ours).sum()} other tags")
            if name != "tags":
                difference = float(np.abs(array - ours).max())
                largest = max(largest, difference / max(1.0, float(np.abs(ours).max())))
    if largest > TOLERANCES[kind]:
        raise SystemExit(f"{path} in {runtime.name}: outputs differ by {largest:.2g}")
    return largest


def train(program, folder, *options):
    run(PROGRAMS / program, "--do_train", "--save_finetune_checkpoint_path", folder, *options)
    return folder


TINY = ["--hidden_size", 32, "--num_hidden_layers", 2, "--num_attention_heads", 4, "--intermediate_size", 64,
        "--max_position_embeddings", 512, "--max_steps", 30, "--learning_rate", 5e-3, "--seq_length", 64]


def write_data(folder):
    """A vocabulary and a little of everything to train on."""
    words = [f"w{i}" for i in range(WORDS)]
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]) + "\n", encoding="utf-8")
    random = np.random.default_rng(1)
    sentences = [random.choice(words, random.integers(3, 30)).tolist() for _ in range(64)]
    tag = lambda word: ["O", "B-A", "B-B", "B-C"][int(word[1:]) % 4]
    (folder / "ner.txt").write_text(
        "\n".join("".join(f"{word} {tag(word)}\n" for word in sentence) for sentence in sentences), encoding="utf-8")
    rows = [(" ".join(sentence), sum(int(word[1:]) for word in sentence)) for sentence in sentences]
    (folder / "classes.tsv").write_text(
        "sentence\tlabel\n" + "".join(f"{text}\t{['low', 'high', 'odd'][total % 3]}\n" for text, total in rows), encoding="utf-8")
    (folder / "text.txt").write_text(
        "\n\n".join("\n".join(" ".join(sentence) for sentence in sentences[i:i + 4]) for i in range(0, 64, 4)) + "\n",
        encoding="utf-8")
    paragraphs = [{"context": text, "qas": [{"id": str(i), "question": "w1 w2", "answers": [{"text": text.split()[1],
                   "answer_start": text.index(" ") + 1}]}]} for i, (text, _) in enumerate(rows)]
    (folder / "squad.json").write_text(json.dumps({"version": "1.1", "data": [{"title": "t", "paragraphs": paragraphs}]}),
                                       encoding="utf-8")


def models(root):
    """The tasks, heads and encoders that there are."""
    vocab = ["--vocab_file_path", root / "vocab.txt"]
    ner = ["--train_data_file_path", root / "ner.txt", *vocab, *TINY]
    emissions = ("emissions",)
    yield Model("ner", train("run_ner", root / "ner", *ner), ours=emissions)
    yield Model("ner", train("run_ner", root / "ner_nezha", *ner, "--relative_positions", "trained", "--max_relative_position", 16),
                ours=emissions)
    crf = train("run_ner", root / "crf", *ner, "--use_crf", "--crf_constraints")
    yield Model("ner", crf, outputs=emissions)
    yield Model("ner", crf, "--viterbi", by_words=True, outputs=("emissions", "tags"))
    lstm = train("run_ner", root / "lstm_crf", *ner, "--use_crf", "--with_lstm", "--lstm_layers", 2)
    yield Model("ner", lstm, by_words=True, outputs=emissions)
    yield Model("ner", lstm, "--viterbi", by_words=True, outputs=("emissions", "tags"))
    yield Model("ner", train("run_ner", root / "lstm", *ner, "--with_lstm"), by_words=True, ours=emissions)
    classes = ["--task_name", "tsv", "--train_data_file_path", root / "classes.tsv", *vocab, *TINY]
    yield Model("classifier", train("run_classifier", root / "classes", *classes))
    yield Model("classifier", train("run_classifier", root / "classes_nezha", *classes, "--relative_positions", "sinusoid"))
    for act in ("gelu_new", "relu"):
        yield Model("classifier", train("run_classifier", root / act, *classes, "--hidden_act", act))
    spans = ("start_logits", "end_logits")
    yield Model("squad", train("run_squad", root / "squad", "--train_data_file_path", root / "squad.json",
                                "--max_query_length", 8, "--doc_stride", 16, *vocab, *TINY),
                outputs=spans, ours=("logits",))
    pretrain = ["--input_file", root / "text.txt", *vocab, *TINY]
    heads = train("run_pretrain", root / "pretrain", *pretrain)
    heads /= (heads / "latest").read_text().strip()
    yield Model("pretraining", heads, outputs=("prediction_logits", "seq_relationship_logits"))
    yield Model("encoder", heads, "--task", "encoder", outputs=("last_hidden_state", "pooler_output"))
    if minilm := os.environ.get("GRADUS_MINILM"):
        yield Model("encoder", pathlib.Path(minilm), outputs=("last_hidden_state", "pooler_output"))


def main():
    program, wanted = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    if not RUNTIMES or not installed("onnx"):
        print("skipped: neither ONNX Runtime nor OpenVINO is installed, or onnx is not")
        raise SystemExit(77)
    for runtime in (OnnxRuntime, OpenVino):
        if not runtime.is_there:
            print(f"skipped: {runtime.name} is not installed")
    import onnx
    checked = 0
    with tempfile.TemporaryDirectory(prefix="gradus-export-") as name:
        root = pathlib.Path(name)
        write_data(root)
        for number, model in enumerate(models(root)):
            if wanted not in str(model.folder):
                continue
            said = []
            for kind, form in [("fp32", []), ("fp16", []), ("bf16", []), ("fp32", ["--external_data"])]:
                path = root / f"exported_{number}_{kind}{len(form)}" / "model.onnx"
                run(PROGRAMS / "export", "--load_finetune_checkpoint_path", model.folder, "--export_file_name", path,
                    "--compute_type", kind, *model.options, *form)
                onnx.checker.check_model(str(path), full_check=True)
                for runtime in RUNTIMES:
                    if kind in runtime.types:
                        opened = runtime(path)
                        said.append(f"{runtime.name} {kind} {compare(program, model, opened, kind, root):.1e}")
                        if runtime is OnnxRuntime and kind == "fp32" and not form and model.config["hidden_act"] == "gelu":
                            said.append(check_fusions(opened, model))
            checked += 1
            print(f"{model.folder.name} {' '.join(model.options)}: {', '.join(said)}", flush=True)
    if checked == 0:
        raise SystemExit(f"no model is called {wanted}")


if __name__ == "__main__":
    main()
