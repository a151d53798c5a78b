"""Runs exported models of every task in MindSpore, where that is installed, and compares their outputs with what Gradus computes
itself, as export_checks.py does in other runtimes. A MINDIR file fixes batch and length: there is one for each.

Usage: mindir_checks.py MODEL_OUTPUTS [TASK], in an environment with MindSpore; MODEL_OUTPUTS is the program of model_outputs.cpp.
GRADUS_PROGRAMS is the folder of the programs. A model of GRADUS_MINILM, where it is set, is checked too."""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

from export_checks import PROGRAMS, SIZES, compare, installed, models, run, write_data

# Gradus' names of inputs that MindSpore's networks call otherwise.
INPUTS = {"input_mask": "attention_mask", "token_type_id": "token_type_ids"}


class MindSpore:
    name = "MindSpore"

    def __init__(self, path):
        import mindspore
        from mindspore.train.mind_ir_pb2 import ModelProto
        self.path, self.proto = path, ModelProto()
        self.proto.ParseFromString(path.read_bytes())
        graph = self.proto.graph
        names = [value.name.split(":")[-1] for value in graph.input]
        self.inputs = [INPUTS.get(name, name) for name in names]
        self.outputs = [value.name for value in graph.output]
        self.shapes = {name: tuple(value.tensor[0].dims) for name, value in zip(self.inputs, graph.input, strict=True)}
        self.cell = mindspore.nn.GraphCell(mindspore.load(str(path)))

    def __call__(self, inputs):
        import mindspore
        given = []
        for name, shape in self.shapes.items():
            array = np.full(shape, -1, np.int32)  # there may be fewer words than tokens
            array[:, :inputs[name].shape[1]] = inputs[name]
            given.append(mindspore.Tensor(array))
        found = self.cell(*given)
        found = found if isinstance(found, tuple) else (found,)
        return {name: value.asnumpy() for name, value in zip(self.outputs, found, strict=True)}


class Tagger(MindSpore):
    """Finds the best tags of emissions by the scores in the file's user_info."""

    def __init__(self, path):
        super().__init__(path)
        self.by_words = "word_positions" in self.inputs
        self.inputs = [*self.shapes, *([] if self.by_words else ["word_positions"])]
        self.scores = [np.array(json.loads(self.proto.user_info[name]), np.float32)
                       for name in ("transitions", "start_transitions", "end_transitions")]

    def __call__(self, inputs):
        found, (transitions, start, end) = super().__call__(inputs), self.scores
        found["tags"] = np.full(inputs["word_positions"].shape, -1)
        for text, positions in enumerate(inputs["word_positions"]):
            positions = positions[positions >= 0]
            emissions = found["emissions"][text]
            emissions = emissions[:len(positions)] if self.by_words else emissions[positions]
            scores, before = start + emissions[0], []
            for row in emissions[1:]:
                paths = scores[:, None] + transitions
                before.append(paths.argmax(0))
                scores = paths.max(0) + row
            best = [int((scores + end).argmax())]
            for choice in reversed(before):
                best.append(int(choice[best[-1]]))
            found["tags"][text, :len(positions)] = best[::-1]
        return found


def export(model, path, batch, length, *options):
    arguments = ["--file_format", "MINDIR", "--load_finetune_checkpoint_path", model.folder, "--export_file_name", path,
                 "--export_batch_size", batch, "--seq_length", length, *model.options, *options]
    run(PROGRAMS / "export", *arguments)


def check_refusal(model, root):
    command = [PROGRAMS / "export", "--file_format", "MINDIR", "--load_finetune_checkpoint_path", model.folder, *model.options]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode == 0 or "--viterbi: the best tags need a loop" not in done.stderr:
        raise SystemExit(f"{model.folder} {' '.join(model.options)}: not refused: {done.stderr}")


def check_model(program, model, folder):
    """What is to be said of it."""
    runtime = MindSpore
    if model.outputs == ("emissions",):
        runtime, model.outputs, model.ours = Tagger, ("emissions", "tags"), ("emissions", "tags")
    runs = [("fp32", size, []) for size in SIZES]
    runs += [("fp16", (7, 50), []), ("fp32", (7, 50), ["--external_data"])]
    largest = {}
    for number, (kind, (batch, length), form) in enumerate(runs):
        path = folder / f"{number}" / "model.mindir"
        export(model, path, batch, length, "--compute_type", kind, *form)
        if form:
            path = path.with_name("model_graph.mindir")
        difference = compare(program, model, runtime(path), kind, folder, [(batch, length)])
        largest[kind] = max(largest.get(kind, 0), difference)
    return ", ".join(f"{kind} {difference:.1e}" for kind, difference in largest.items())


def main():
    program, wanted = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    if not installed("mindspore"):
        print("skipped: MindSpore is not installed")
        raise SystemExit(77)
    import mindspore
    mindspore.set_context(mode=mindspore.GRAPH_MODE)
    mindspore.set_device("CPU")
    checked = 0
    with tempfile.TemporaryDirectory(prefix="gradus-mindir-") as name:
        root = pathlib.Path(name)
        write_data(root)
        for number, model in enumerate(models(root)):
            if wanted not in str(model.folder):
                continue
            checked += 1
            if "--viterbi" in model.options:
                check_refusal(model, root)
                print(f"{model.folder.name} {' '.join(model.options)}: refused")
                continue
            (root / str(number)).mkdir()
            print(f"{model.folder.name} {' '.join(model.options)}: {check_model(program, model, root / str(number))}", flush=True)
    if checked == 0:
        raise SystemExit(f"no model is called {wanted}")


if __name__ == "__main__":
    main()
