"""Checkpoints: Gradus' in TensorFlow and MindSpore, theirs in Gradus, converted and as they are."""
import pathlib

import numpy as np
from safetensors.numpy import load_file, save_file

from bert_names import mindspore_name, random_bert, tensorflow_tensors
from common import Checks, mindspore, needs_mindspore, needs_tensorflow, tensorflow as tf

NUMPY_TYPES = "f8 f4 f2 i8 i4 i2 i1 u8 u4 u2 u1 ?".split()
STATE = np.full([3, 2], 0.5, np.float32)  # of an optimizer, which is no weight


def numbers_of_all_types(types):
    """A name and an array for each type: a matrix at the limits of the type, a single number, and nothing."""
    random = np.random.default_rng(4)
    tensors = {}
    for dtype in map(np.dtype, types):
        if dtype.kind in "iu":
            values = random.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, 600, dtype, endpoint=True)
            values[:2] = np.iinfo(dtype).min, np.iinfo(dtype).max
        else:
            values = random.normal(size=600).astype(dtype) if dtype.kind != "b" else random.random(600) < 0.5
        tensors[f"{dtype.name}/matrix"] = values.reshape(30, 20)
        tensors[f"{dtype.name}/scalar"] = values[2]
        tensors[f"{dtype.name}/empty"] = values[:0].reshape(0, 3)
    return {name: np.asarray(array) for name, array in tensors.items()}


def flip_bit(path, byte):
    content = bytearray(pathlib.Path(path).read_bytes())
    content[byte] ^= 1
    pathlib.Path(path).chmod(0o600)
    pathlib.Path(path).write_bytes(content)


class CheckpointChecks(Checks):
    def convert(self, to, source, name):
        """Lets convert_checkpoint write a file of that name; its path."""
        path = self.path(name)
        self.run_program("convert_checkpoint", "--to", to, source, path)
        return path

    def copy(self, to, source, name):
        self.run_program("copy_file", to, source, self.path(name))
        return self.path(name)

    def safetensors_of(self, tensors, name="model.safetensors"):
        save_file(tensors, self.path(name), {"format": "pt"})
        return self.path(name)

    def assert_inspected(self, path, expected):
        """What inspect_checkpoint says of a file against its arrays."""
        described = self.json_of("inspect_checkpoint", path)["tensors"]
        self.assertEqual(sorted(described), sorted(expected))
        for name, array in expected.items():
            with self.subTest(inspected=name):
                found, values = described[name], array.astype(np.float64).reshape(-1)
                self.assertEqual((found["dtype"], found["shape"], found["nbytes"]),
                                 (array.dtype.name, list(array.shape), array.nbytes))
                self.assertEqual(found["first"], values[:len(found["first"])].tolist())
                self.assertEqual(found["last"], values[len(values) - len(found["last"]):].tolist())
                self.assertEqual(len(found["last"]) > 0, array.size > 0)
                np.testing.assert_allclose(found["sum"], np.sum(values), rtol=1e-9, atol=1e-9)
                np.testing.assert_allclose(found["abs_sum"], np.sum(np.abs(values)), rtol=1e-12)


class SafetensorsChecks(CheckpointChecks):
    def test_all_types(self):
        """every type of number: safetensors -> Gradus -> safetensors"""
        tensors = numbers_of_all_types(NUMPY_TYPES)
        original = self.safetensors_of(tensors)
        self.assert_inspected(original, tensors)
        self.assert_same_arrays(load_file(self.copy("safetensors", original, "copy.safetensors")), tensors)


@needs_tensorflow
class TensorFlowChecks(CheckpointChecks):
    def load(self, prefix):
        reader = tf.train.load_checkpoint(prefix)
        return {name: np.asarray(reader.get_tensor(name)) for name in reader.get_variable_to_shape_map()}

    def save(self, tensors, slices):
        """Writes a checkpoint with TensorFlow 1's Saver, a matrix as a variable in so many slices."""
        prefix = self.path(f"saved_{slices}.ckpt")
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            for name, array in tensors.items():

                def initial(shape, dtype, partition_info=None, array=array):
                    first = partition_info.var_offset[0] if partition_info else 0
                    return tf.constant(array[first:first + shape[0]] if shape else array, dtype)

                parts = slices if array.ndim == 2 and len(array) >= slices else 1
                partitioner = tf.compat.v1.fixed_size_partitioner(parts) if parts > 1 else None
                tf.compat.v1.get_variable(name, array.shape, array.dtype, initial, partitioner=partitioner)
            session.run(tf.compat.v1.global_variables_initializer())
            tf.compat.v1.train.Saver().save(session, prefix, write_meta_graph=False)
        return prefix

    def test_converted(self):
        """convert_checkpoint of a BERT -> TensorFlow, kernels transposed; and back, bit by bit"""
        tensors = random_bert()
        converted = self.convert("tensorflow", self.safetensors_of(tensors), "model.ckpt")
        self.assert_same_arrays(self.load(converted), tensorflow_tensors(tensors))
        self.assert_inspected(converted, tensorflow_tensors(tensors))
        self.assert_same_arrays(load_file(self.convert("safetensors", converted, "back.safetensors")), tensors)

    def test_saved(self):
        """TensorFlow's Saver -> convert_checkpoint: google-research's names and training state, whole and in slices"""
        tensors = random_bert()
        saved = tensorflow_tensors(tensors)
        saved["global_step"] = np.array(7, np.int64)
        saved["bert/pooler/dense/kernel/adam_m"] = saved["bert/pooler/dense/kernel/adam_v"] = STATE
        for slices in 1, 3:
            with self.subTest(slices=slices):
                prefix = self.save(saved, slices)
                self.assert_inspected(prefix + ".index", saved)
                path = self.convert("safetensors", prefix, f"of_{slices}.safetensors")
                self.assert_same_arrays(load_file(path), tensors)

    def test_all_types(self):
        """every type of number: TensorFlow -> Gradus -> TensorFlow"""
        tensors = numbers_of_all_types([*NUMPY_TYPES, tf.bfloat16.as_numpy_dtype])
        prefix = self.path("types")
        tf.raw_ops.SaveV2(prefix=prefix, tensor_names=list(tensors), shape_and_slices=[""] * len(tensors),
                          tensors=[tf.constant(array) for array in tensors.values()])
        self.assert_inspected(prefix, tensors)
        self.assert_same_arrays(self.load(self.copy("tensorflow", prefix, "copy")), tensors)

    def test_object_checkpoint(self):
        """tf.train.Checkpoint -> Gradus: a checkpoint of objects, with its description of itself"""
        array = np.arange(6, dtype=np.float32).reshape(2, 3)
        prefix = tf.train.Checkpoint(layer=tf.Variable(array), step=tf.Variable(5)).write(self.path("object"))
        described = self.json_of("inspect_checkpoint", prefix)["tensors"]
        graph = described.pop("_CHECKPOINTABLE_OBJECT_GRAPH")
        expected = tf.train.load_checkpoint(prefix).get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH")
        self.assertEqual(graph, {"dtype": "string", "shape": [], "hex": [expected[:100].hex()]})  # no more is shown
        self.assertEqual({name.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE"): (tensor["shape"], tensor["first"])
                          for name, tensor in described.items()},
                         {"layer": ([2, 3], array.reshape(-1).tolist()), "step": ([], [5])})

    def test_damage(self):
        """TensorFlow checks our checksums: it refuses a changed number"""
        prefix = self.convert("tensorflow", self.safetensors_of(random_bert()), "model.ckpt")
        flip_bit(prefix + ".data-00000-of-00001", 1000)
        with self.assertRaisesRegex(tf.errors.OpError, "Checksum does not match"):
            self.load(prefix)


@needs_mindspore
class MindSporeChecks(CheckpointChecks):
    def load(self, path, **options):
        return {name: parameter.asnumpy() for name, parameter in mindspore.load_checkpoint(path, **options).items()}

    def save(self, name, tensors, **options):
        mindspore.save_checkpoint([{"name": key, "data": mindspore.Tensor(array)} for key, array in tensors.items()],
                                  self.path(name), **options)
        return self.path(name)

    def test_converted(self):
        """convert_checkpoint of a BERT -> MindSpore; and back, bit by bit"""
        tensors = random_bert()
        converted = self.convert("mindspore", self.safetensors_of(tensors), "model.ckpt")
        expected = {mindspore_name(name): array for name, array in tensors.items()}
        self.assert_same_arrays(self.load(converted), expected)
        self.assert_inspected(converted, expected)
        self.assert_same_arrays(load_file(self.convert("safetensors", converted, "back.safetensors")), tensors)

    def test_crf(self):
        """convert_checkpoint of BiLSTM and CRF -> MindSpore: one matrix [to][from] with START and STOP; and back"""
        tensors = random_bert(tags=5, crf=True)
        converted = self.convert("mindspore", self.safetensors_of(tensors), "model.ckpt")
        found = self.load(converted)
        matrix = np.full([7, 7], -10000, np.float32)
        matrix[:5, :5] = tensors["crf.transitions"].T
        matrix[:5, 5] = tensors["crf.start_transitions"]
        matrix[6, :5] = tensors["crf.end_transitions"]
        self.assert_same_arrays({"": found["loss.transitions"]}, {"": matrix})
        self.assert_same_arrays({"": found["bert.dense_1.weight"][:5]}, {"": tensors["classifier.weight"]})
        self.assertEqual(found["bert.dense_1.weight"].shape[0], 7)
        for name in filter(lambda name: name.startswith("lstm."), tensors):
            self.assert_same_arrays({name: found["bert." + name]}, {name: tensors[name]})
        self.assert_same_arrays(load_file(self.convert("safetensors", converted, "back.safetensors")), tensors)

    def test_saved(self):
        """MindSpore -> convert_checkpoint: the official BERT's names and training state, with checksum and without"""
        tensors = random_bert()
        saved = {mindspore_name(name): array for name, array in tensors.items()}
        saved["global_step"] = np.array([7], np.int32)
        saved["adam_m.bert.bert.dense.weight"] = saved["adam_v.bert.bert.dense.weight"] = STATE
        for crc in False, True:
            with self.subTest(crc=crc):
                path = self.save(f"saved_{crc}.ckpt", saved, crc_check=crc)
                self.assert_inspected(path, saved)
                self.assert_same_arrays(load_file(self.convert("safetensors", path, f"{crc}.safetensors")), tensors)

    def test_all_types(self):
        """every type of number: MindSpore -> Gradus -> MindSpore, with a checksum and tensors in parts"""
        tensors = numbers_of_all_types(NUMPY_TYPES)
        copy = self.copy("mindspore", self.safetensors_of(tensors), "copy.ckpt")
        self.assert_same_arrays(self.load(copy, crc_check=True), tensors)
        # MindSpore leaves out what is empty.
        saved = {name: array for name, array in tensors.items() if array.size > 0}
        path = self.save("types.ckpt", saved)
        self.assert_inspected(path, saved)
        self.assert_same_arrays(self.load(self.copy("mindspore", path, "again.ckpt"), crc_check=True), saved)

    def test_damage(self):
        """MindSpore checks our checksum: it refuses a changed number"""
        path = self.copy("mindspore", self.safetensors_of(random_bert()), "model.ckpt")
        flip_bit(path, 1000)
        self.load(path)
        with self.assertRaises(ValueError) as raised:
            self.load(path, crc_check=True)
        self.assertIn("crc check", str(raised.exception.__cause__))

    def test_bfloat16(self):
        """bfloat16: MindSpore -> Gradus -> MindSpore"""
        values = np.random.default_rng(5).normal(size=[40, 30]).astype(np.float32)
        tensor = mindspore.Tensor(values, mindspore.bfloat16)
        path = self.path("a.ckpt")
        mindspore.save_checkpoint([{"name": "x", "data": tensor}], path)
        self.assertEqual(self.json_of("inspect_checkpoint", path)["tensors"]["x"]["ms_dtype"], "BFloat16")
        found = mindspore.load_checkpoint(self.copy("mindspore", path, "b.ckpt"))["x"]
        self.assertEqual(found.dtype, mindspore.bfloat16)
        self.assertEqual(found.asnumpy().tobytes(), tensor.asnumpy().tobytes())
