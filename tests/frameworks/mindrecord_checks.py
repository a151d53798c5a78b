"""MindRecord sets: Gradus' in MindSpore, MindSpore's in Gradus."""
import numpy as np

from common import (SENTENCES, VOCABULARY, Checks, generate_ner_records, mindspore, needs_mindspore,
                    needs_tensorflow, ner_rows, tensorflow as tf)

if mindspore:
    from mindspore.dataset import MindDataset
    from mindspore.mindrecord import FileReader, FileWriter

SCHEMA = {
    "id": {"type": "int64"},
    "small": {"type": "int32"},
    "real": {"type": "float32"},
    "wide": {"type": "float64"},
    "name": {"type": "string"},
    "blob": {"type": "bytes"},
    "ids": {"type": "int32", "shape": [-1]},
    "numbers": {"type": "int64", "shape": [-1]},
    "weights": {"type": "float32", "shape": [-1, 2]},
    "table": {"type": "float64", "shape": [2, 2]},
}


def random_rows(count):
    """Rows of SCHEMA: integers of all widths and at their limits, every byte, text outside ASCII."""
    random = np.random.default_rng(1)

    def integers(dtype, size):
        limits = np.iinfo(dtype)
        widths = random.integers(1, limits.bits, size)
        values = [int(random.integers(0, 1 << int(width))) for width in widths]
        signed = [value if random.random() < 0.5 else -value - 1 for value in values]
        return np.array([limits.min, limits.max, *signed][:size], dtype)

    return [{
        "id": i - 3,
        "small": int(integers(np.int32, 3)[i % 3]),
        "real": float(np.float32(random.normal())),
        "wide": float(random.normal() * 1e300),
        "name": "名字 é" * (i % 5) + str(i),
        "blob": random.bytes(i % 400) + b"x\0",
        "ids": integers(np.int32, 1 + i % 90),
        "numbers": integers(np.int64, 1 + i % 9),
        "weights": random.normal(size=(1 + i % 3, 2)).astype(np.float32),
        "table": random.normal(size=(2, 2)),
    } for i in range(count)]


def rows_of_mindspore(path):
    """The rows as MindSpore's two readers give them, which have to agree.

    FileReader makes integers of some float scalars, MindDataset drops the zeros that bytes end with: each gives what the
    other can't.
    """
    exact = list(FileReader(path).get_next())
    rows = []
    for number, row in enumerate(MindDataset(path, shuffle=False).create_dict_iterator(num_epochs=1, output_numpy=True)):
        other = exact[number]
        assert row.keys() == other.keys(), (row.keys(), other.keys())
        made = {}
        for name, array in row.items():
            value = array.item() if array.ndim == 0 else array
            if array.dtype.kind == "S":
                value = other[name]
                assert value.rstrip(b"\0") == array.item(), (path, number, name)
            elif array.ndim > 0 or array.dtype.kind != "f":
                assert np.array_equal(value, other[name]), (path, number, name, value, other[name])
            made[name] = value
        rows.append(made)
    assert len(rows) == len(exact), (path, len(rows), len(exact))
    return rows


def first_of(path, shards):
    """The name of the first file of a set."""
    return path if shards == 1 else path + "0".zfill(len(str(shards - 1)))


def value_of_json(value):
    if not isinstance(value, dict):
        return value
    if "bytes_hex" in value:
        return bytes.fromhex(value["bytes_hex"])
    return np.array(value["data"], value["dtype"]).reshape(value["shape"])


@needs_mindspore
class MindRecordChecks(Checks):
    def write(self, path, rows, shards=1, index=None, schema=None, small_pages=False):
        """Writes a set with MindSpore; by one call, so that the order stays."""
        writer = FileWriter(path, shards, overwrite=True)
        if small_pages:
            writer.set_header_size(16 << 10)
            writer.set_page_size(32 << 10)
        writer.add_schema(schema or SCHEMA, "all types")
        if index:
            writer.add_index(index)
        writer.write_raw_data(rows)
        writer.commit()
        return first_of(path, shards)

    def rows_of_gradus(self, path):
        shown = self.json_of("vis_tfrecord_or_mindrecord", "--file_name", path)
        self.assertEqual(shown["num_rows"], len(shown["rows"]))
        return [{name: value_of_json(value) for name, value in row.items()} for row in shown["rows"]]

    def test_generated(self):
        """generate_ner_records -> MindSpore: the rows of the text"""
        generate_ner_records(self, "mindrecord")
        self.assert_same_rows(rows_of_mindspore(self.path("train.mindrecord")), ner_rows(np.int32))

    @needs_tensorflow
    def test_pretraining(self):
        """generate_pretraining_records: MindSpore's rows of the MindRecord are TensorFlow's of the TFRecord"""
        (self.folder / "vocab.txt").write_text("".join(f"{line}\n" for line in VOCABULARY), encoding="utf-8")
        document = "".join(" ".join(word for word, _ in sentence) + "\n" for sentence in SENTENCES)
        (self.folder / "text.txt").write_text((document + "\n") * 5, encoding="utf-8")
        for dataset_format in "mindrecord", "tfrecord":
            self.run_program("generate_pretraining_records", f"--input_file={self.path('text.txt')}",
                             f"--output_file={self.path(dataset_format)}", f"--vocab_file={self.path('vocab.txt')}",
                             f"--dataset_format={dataset_format}", "--max_seq_length=32", "--max_predictions_per_seq=5")
        expected = []
        for record in tf.data.TFRecordDataset(self.path("tfrecord")):
            features = tf.train.Example.FromString(record.numpy()).features.feature
            expected.append({name: np.array(feature.int64_list.value, np.int32) if feature.HasField("int64_list")
                             else np.array(feature.float_list.value, np.float32) for name, feature in features.items()})
        self.assertGreater(len(expected), 20)
        self.assertEqual(expected[0]["masked_lm_weights"].dtype, np.float32)
        self.assert_same_rows(rows_of_mindspore(self.path("mindrecord")), expected)

    def convert(self, rows):
        """The set that parallel_tfrecord_to_mindrecord makes of a TFRecord of these rows, written by TensorFlow."""
        (self.folder / "in").mkdir()
        with tf.io.TFRecordWriter(self.path("in/rows.tfrecord")) as writer:
            for row in rows:
                example = tf.train.Example()
                for name, value in row.items():
                    feature = example.features.feature[name]
                    if isinstance(value, bytes):
                        feature.bytes_list.value.append(value)
                    elif value.dtype == np.float32:
                        feature.float_list.value.extend(value.tolist())
                    else:
                        feature.int64_list.value.extend(value.tolist())
                writer.write(example.SerializeToString())
        self.run_program("parallel_tfrecord_to_mindrecord", "--input_tfrecord_dir", self.path("in"),
                         "--output_mindrecord_dir", self.path("out"))
        return self.path("out/rows.mindrecord")

    @needs_tensorflow
    def test_converted(self):
        """parallel_tfrecord_to_mindrecord -> MindSpore: integers, floats and bytes of TensorFlow's TFRecord"""
        rows = [{"ids": row["numbers"], "weights": row["weights"].reshape(-1), "blob": row["blob"]}
                for row in random_rows(200)]
        self.assert_same_rows(rows_of_mindspore(self.convert(rows)), rows)

    @needs_tensorflow
    def test_converted_large(self):
        """parallel_tfrecord_to_mindrecord -> MindSpore: more than fits one page of the default size"""
        random = np.random.default_rng(2)
        rows = [{"id": np.array([i]), "blob": random.bytes(9 << 20) + b"x"} for i in range(5)]
        self.assert_same_rows(rows_of_mindspore(self.convert(rows)), rows)

    def test_written_by_mindspore(self):
        """MindSpore -> Gradus: every type, 1, 4 and 11 shards, index chosen or not, few pages and many"""
        rows = random_rows(400)
        for shards, index, small in [(1, None, False), (1, None, True), (4, None, True), (4, ["small", "name"], False),
                                     (11, ["id"], True)]:
            with self.subTest(shards=shards, index=index, small_pages=small):
                path = self.write(self.path(f"set{shards}_"), rows, shards, index, small_pages=small)
                self.assert_same_rows(self.rows_of_gradus(path), rows)

    def test_copied(self):
        """Gradus' writer -> MindSpore: every type, 1, 3 and 11 shards, many pages"""
        rows = random_rows(600)
        original = self.write(self.path("original"), rows)
        for shards in 1, 3, 11:
            with self.subTest(shards=shards):
                copy = self.path(f"copy{shards}_")
                self.run_program("copy_file", "mindrecord", original, copy, str(shards))
                self.assert_same_rows(rows_of_mindspore(first_of(copy, shards)), rows)

    def test_empty_arrays(self):
        """arrays without a value, both ways"""
        rows = [{"ids": np.arange(i % 2, dtype=np.int32), "blob": b"x" * (i % 3)} for i in range(6)]
        path = self.write(self.path("a"), rows, schema={name: SCHEMA[name] for name in ("ids", "blob")})
        self.assert_same_rows(self.rows_of_gradus(path), rows)
        self.run_program("copy_file", "mindrecord", path, self.path("b"))
        # MindDataset gives a number out of nowhere for an empty array, so this is for FileReader alone.
        self.assert_same_rows(list(FileReader(self.path("b")).get_next()), rows)
