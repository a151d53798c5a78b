"""Files of torch.save, as ten kinds of writers leave them: what Gradus reads against what transformers loads."""
import collections
import json
import pathlib
import sys
import unittest
import zipfile
from unittest import mock

from bert_names import random_bert
from common import Checks, framework

torch = framework("torch")
transformers = framework("transformers")
if transformers:
    transformers.utils.logging.disable_progress_bar()
needs_torch = unittest.skipUnless(torch and transformers, "torch and transformers")

CONFIG = {"model_type": "bert", "architectures": ["BertForTokenClassification"], "vocab_size": 21, "hidden_size": 8,
          "num_hidden_layers": 11, "num_attention_heads": 2, "intermediate_size": 12, "max_position_embeddings": 16,
          "type_vocab_size": 2, "num_labels": 3, "id2label": {"0": "O", "1": "B", "2": "I"}}
HEADS = ("cls.", "qa_outputs.")  # of other tasks


def weights():
    """Of a tagger, without the pooler, as a state_dict has them."""
    return collections.OrderedDict((name, torch.from_numpy(array)) for name, array in random_bert().items()
                                   if not name.startswith((*HEADS, "bert.pooler.")))


def is_matrix(tensor):
    return tensor.dim() == 2


def in_views(state):
    """Matrices as transposed, sliced and expanded views of others, with the same numbers."""
    made = collections.OrderedDict()
    for number, (name, tensor) in enumerate(state.items()):
        if not is_matrix(tensor):
            row = torch.cat([tensor[:1], tensor]).flip(0)
            made[name] = torch.stack([row, row.flip(0)])[1][1:]
        elif number % 2:
            made[name] = tensor.t().contiguous().t()
        else:
            wide = torch.zeros(tensor.shape[0] + 2, tensor.shape[1] * 2 + 1)
            wide[1:-1, 1::2] = tensor
            made[name] = wide[1:-1, 1::2]
    made["bert.embeddings.token_type_embeddings.weight"] = torch.full([1, 8], 0.25).expand(2, 8)
    return made


@needs_torch
class PyTorchChecks(Checks):
    def folder_of(self, name):
        folder = self.folder / name
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(CONFIG))
        return folder

    def write(self, name, value, **options):
        """A model's folder with pytorch_model.bin."""
        folder = self.folder_of(name)
        torch.save(value, folder / "pytorch_model.bin", **options)
        return folder

    def theirs(self, folder, state=None):
        """What transformers has once it has loaded the folder, or a state that it can't find in there by itself."""
        if state is None:
            model = transformers.BertForTokenClassification.from_pretrained(folder, torch_dtype=torch.float32)
        else:
            model = transformers.BertForTokenClassification(transformers.BertConfig.from_pretrained(folder))
            model.load_state_dict(state)
        return {name: tensor.float().numpy() for name, tensor in model.state_dict().items()}

    def ours(self, source):
        """The same from convert_checkpoint."""
        from safetensors.numpy import load_file
        path = self.path(f"{len(list(self.folder.iterdir()))}.safetensors")
        self.run_program("convert_checkpoint", "--to", "safetensors", str(source), path)
        return load_file(path)

    def assert_same_weights(self, folder, state=None, source=None):
        self.assert_same_arrays(self.ours(source or folder), self.theirs(folder, state))

    def test_forms(self):
        """torch.save in its two forms and protocols 2 to 5, of a state_dict with _metadata -> Gradus"""
        model = transformers.BertForTokenClassification(transformers.BertConfig(**CONFIG))
        model.load_state_dict(weights())
        for new_form in True, False:
            for protocol in 2, 3, 4, 5:
                with self.subTest(new_form=new_form, protocol=protocol):
                    folder = self.write(f"{new_form}{protocol}", model.state_dict(), pickle_protocol=protocol,
                                        _use_new_zipfile_serialization=new_form)
                    # Of the others torch.load says that it knows them only with weights_only=False.
                    self.assert_same_weights(folder, model.state_dict() if protocol > 3 else None)

    def test_types(self):
        """half, bfloat16 and double, and buffers of int64 beside them -> Gradus, as float32"""
        for dtype in torch.float16, torch.bfloat16, torch.float64:
            with self.subTest(dtype=dtype):
                state = collections.OrderedDict((name, tensor.to(dtype)) for name, tensor in weights().items())
                state["bert.embeddings.position_ids"] = torch.arange(16).expand((1, -1))
                for new_form in True, False:
                    folder = self.write(f"{dtype}{new_form}", state, _use_new_zipfile_serialization=new_form)
                    described = self.json_of("inspect_checkpoint", str(folder))["tensors"]
                    self.assertEqual(described["classifier.bias"]["dtype"], str(dtype).removeprefix("torch."))
                    self.assertEqual(described["bert.embeddings.position_ids"]["first"], list(range(8)))
                    self.assert_same_weights(folder)

    def test_views(self):
        """transposed, sliced and expanded views -> Gradus"""
        for new_form in True, False:
            with self.subTest(new_form=new_form):
                state = in_views(weights())
                self.assertFalse(all(tensor.is_contiguous() for tensor in state.values()))
                self.assert_same_weights(self.write(str(new_form), state, _use_new_zipfile_serialization=new_form))

    def test_shared(self):
        """tensors of one storage, parameters and buffers -> Gradus"""
        state = weights()
        together = torch.cat([tensor.reshape(-1) for tensor in state.values()])
        begin = 0
        for number, (name, tensor) in enumerate(state.items()):
            state[name] = together[begin:begin + tensor.numel()].view(tensor.shape)
            begin += tensor.numel()
            if number % 3 == 0:
                state[name] = torch.nn.Parameter(state[name])
            elif number % 3 == 1:
                state[name] = torch.nn.Buffer(state[name])
        folder = self.write("shared", state)
        self.assertLess((folder / "pytorch_model.bin").stat().st_size, together.numel() * 4 + 60000)
        self.assert_same_weights(folder)

    def test_trainings(self):
        """checkpoints of trainings, which hold weights beside other things, in names that wrap a model -> Gradus"""
        state = weights()
        model = transformers.BertForTokenClassification(transformers.BertConfig(**CONFIG))
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
        sum(parameter.sum() for parameter in model.parameters()).backward()
        optimizer.step()
        wrapped = {prefix: collections.OrderedDict((prefix + name, tensor) for name, tensor in state.items())
                   for prefix in ("module.", "model.", "_orig_mod.module.")}
        rest = {"epoch": 3, "optimizer": optimizer.state_dict(), "rng": torch.get_rng_state(), "scores": {"f1": [0.5, None]}}
        for number, value in enumerate([{"state_dict": state, **rest}, {"model": wrapped["module."], **rest},
                                        {"state_dict": wrapped["model."], "pytorch-lightning_version": "2.0", **rest},
                                        {"model_state_dict": wrapped["_orig_mod.module."], **rest}, wrapped["module."]]):
            with self.subTest(number):
                folder = self.folder_of(str(number))
                path = folder / ("last.ckpt" if number == 2 else "last.pt")
                torch.save(value, path, _use_new_zipfile_serialization=number != 1)
                self.assert_same_weights(folder, state, path)

    def test_old_names(self):
        """gamma and beta of old BERTs, without the prefix bert. -> Gradus"""
        old = collections.OrderedDict()
        for name, tensor in weights().items():
            if name.startswith("bert."):
                old[name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")] = tensor
            else:
                old[name] = tensor
        self.assert_same_weights(self.write("old", old))
        plain = collections.OrderedDict((name.removeprefix("bert."), tensor) for name, tensor in old.items())
        self.assert_same_weights(self.write("plain", plain))

    def test_byte_order(self):
        """an archive of a machine whose highest byte comes first -> Gradus"""
        state = collections.OrderedDict(
            (name, torch.from_numpy(tensor.numpy().byteswap())) for name, tensor in weights().items())
        with mock.patch.object(sys, "byteorder", "big"):
            folder = self.write("big", state)
        with zipfile.ZipFile(folder / "pytorch_model.bin") as archive:
            self.assertEqual(archive.read("pytorch_model/byteorder"), b"big")
        self.assert_same_weights(folder)

    def test_shards(self):
        """several files with an index, in a folder of the hub's cache -> Gradus"""
        root = self.folder / "models--org--tiny"
        (root / "refs").mkdir(parents=True)
        (root / "refs/main").write_text("0a1b2c")
        (root / "blobs").mkdir()
        snapshot = root / "snapshots/0a1b2c"
        snapshot.mkdir(parents=True)
        (snapshot / "config.json").write_text(json.dumps(CONFIG))
        state, weight_map = weights(), {}
        for number in range(3):
            name = f"pytorch_model-{number + 1:05}-of-00003.bin"
            part = collections.OrderedDict(list(state.items())[number::3])
            torch.save(part, root / f"blobs/{number}")
            (snapshot / name).symlink_to(f"../../blobs/{number}")
            weight_map.update({tensor: name for tensor in part})
        index = snapshot / "pytorch_model.bin.index.json"
        index.write_text(json.dumps({"metadata": {"total_size": 0}, "weight_map": weight_map}))
        for source in root, snapshot, index:
            with self.subTest(source=source.name):
                self.assert_same_weights(snapshot, source=source)

    def test_refused(self):
        """what torch loads only with weights_only=False is refused, with what it names"""
        path = pathlib.Path(self.path("args.bin"))
        torch.save({"state_dict": weights(), "path": pathlib.PurePosixPath("a")}, path)
        with self.assertRaisesRegex(AssertionError, "names pathlib.PurePosixPath, which is not read"):
            self.run_program("inspect_checkpoint", str(path))
