"""TFRecord files with tf.train.Example: Gradus' in TensorFlow, TensorFlow's in Gradus."""
import numpy as np

from common import LENGTH, Checks, generate_ner_records, needs_tensorflow, ner_rows, tensorflow as tf

COMPRESSIONS = [("", ""), (".gz", "GZIP"), (".zlib", "ZLIB")]  # ending, and TensorFlow's name


def odd_examples():
    """Numbers at their limits, every byte, empty lists, no features at all."""
    random = np.random.default_rng(3)
    limits = np.finfo(np.float32)
    examples = [tf.train.Example()]
    for i in range(200):
        example = tf.train.Example()
        feature = example.features.feature
        feature["ints"].int64_list.value.extend([i, -i, 2**63 - 1, -2**63, int(random.integers(-2**62, 2**62))])
        feature["floats"].float_list.value.extend([limits.max, -limits.tiny, 1e-45, -0.0, *random.normal(size=i % 4)])
        feature["bytes"].bytes_list.value.extend([bytes(range(256)), b"", random.bytes(i)])
        feature["名 é"].bytes_list.value.append("文字".encode())
        feature["no ints"].int64_list.SetInParent()
        feature["no floats"].float_list.SetInParent()
        feature["no bytes"].bytes_list.SetInParent()
        examples.append(example)
    return examples


def described(example):
    """An Example in the form of vis_tfrecord_or_mindrecord --json, floats as their bits."""
    features = {}
    for name, feature in example.features.feature.items():
        kind = feature.WhichOneof("kind")
        if kind is None:
            features[name] = {"kind": None}
        elif kind == "bytes_list":
            features[name] = {"kind": "bytes", "hex": [value.hex() for value in feature.bytes_list.value]}
        elif kind == "float_list":
            features[name] = {"kind": "float", "data": np.array(feature.float_list.value, np.float32).tobytes()}
        else:
            features[name] = {"kind": "int64", "data": list(feature.int64_list.value)}
    return features


def with_float_bits(features):
    for feature in features.values():
        if feature["kind"] == "float":
            feature["data"] = np.array(feature["data"], np.float32).tobytes()
    return features


@needs_tensorflow
class TFRecordChecks(Checks):
    def write(self, path, compression, examples):
        with tf.io.TFRecordWriter(path, compression) as writer:
            for example in examples:
                writer.write(example.SerializeToString())

    def records(self, path, compression):
        dataset = tf.data.TFRecordDataset(path, compression_type=compression)
        return [tf.train.Example.FromString(record.numpy()) for record in dataset]

    def test_generated(self):
        """generate_ner_records -> TensorFlow: the rows of the text, as tf.io.parse_example gives them"""
        generate_ner_records(self, "tfrecord")
        features = {name: tf.io.FixedLenFeature([LENGTH], tf.int64) for name in ner_rows(np.int64)[0]}
        dataset = tf.data.TFRecordDataset(self.path("train.tf_record")).batch(3)
        rows = []
        for batch in dataset.map(lambda records: tf.io.parse_example(records, features)):
            columns = {name: values.numpy() for name, values in batch.items()}
            rows += [{name: values[i] for name, values in columns.items()} for i in range(len(columns["input_ids"]))]
        self.assert_same_rows(rows, ner_rows(np.int64))

    def test_written_by_tensorflow(self):
        """TensorFlow -> Gradus: every kind of list; plain, GZIP and ZLIB"""
        examples = odd_examples()
        examples[-1].features.feature["nothing"].SetInParent()
        for ending, compression in COMPRESSIONS:
            with self.subTest(compression=compression):
                path = self.path("rows.tfrecord" + ending)
                self.write(path, compression, examples)
                shown = self.json_of("vis_tfrecord_or_mindrecord", "--file_name", path)
                self.assertEqual(shown["num_records"], len(examples))
                self.assertEqual(shown["record_lengths"], [example.ByteSize() for example in examples])
                self.assertEqual([with_float_bits(features) for features in shown["examples"]],
                                 [described(example) for example in examples])

    def test_copied(self):
        """Gradus' writer -> TensorFlow: every kind of list; plain, GZIP and ZLIB"""
        examples = odd_examples()
        infinite = tf.train.Example()
        infinite.features.feature["floats"].float_list.value.extend([float("inf"), float("-inf"), float("nan")])
        examples.append(infinite)
        self.write(self.path("original.tfrecord"), "", examples)
        for ending, compression in COMPRESSIONS:
            with self.subTest(compression=compression):
                copy = self.path("copy.tfrecord" + ending)
                self.run_program("copy_file", "tfrecord", self.path("original.tfrecord"), copy)
                self.assertEqual([described(example) for example in self.records(copy, compression)],
                                 [described(example) for example in examples])

    def test_compressed_apart(self):
        """the compressed files are compressed: TensorFlow refuses them as plain ones"""
        self.write(self.path("original.tfrecord"), "", odd_examples())
        for ending, _ in COMPRESSIONS[1:]:
            copy = self.path("copy.tfrecord" + ending)
            self.run_program("copy_file", "tfrecord", self.path("original.tfrecord"), copy)
            with self.assertRaises(tf.errors.DataLossError):
                self.records(copy, "")
