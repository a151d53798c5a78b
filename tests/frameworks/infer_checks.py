"""The inputs of infer as a MindSpore program writes them: read from records by MindSpore, cast and batched there, each array to a file."""
import numpy as np

from common import Checks, LENGTH, generate_ner_records, mindspore, needs_mindspore

if mindspore:
    from mindspore import dataset
    from mindspore.dataset import transforms

COLUMNS = ["input_ids", "input_mask", "segment_ids", "label_ids"]


def write_inputs(folder, rows, batch):
    """Four folders of raw int32 arrays, of batches of one size: what is left over is dropped. How many batches there are."""
    for name in COLUMNS:
        rows = rows.map(transforms.TypeCast(mindspore.int32), input_columns=name)
    count = 0
    for data in rows.batch(batch, drop_remainder=True).create_dict_iterator(num_epochs=1):
        for number, name in enumerate(COLUMNS):
            place = folder / f"{number:02d}_data"
            place.mkdir(parents=True, exist_ok=True)
            data[name].asnumpy().tofile(str(place / f"ner_crf_bs{batch}_{count}.bin"))
        count += 1
    return count


@needs_mindspore
class InferChecks(Checks):
    def open(self, dataset_format):
        """The records as MindSpore gives them, once."""
        if dataset_format == "mindrecord":
            return dataset.MindDataset(self.path("train.mindrecord"), columns_list=COLUMNS, shuffle=False)
        schema = dataset.Schema()
        for name in COLUMNS:
            schema.add_column(name, de_type=mindspore.int64, shape=[LENGTH])
        return dataset.TFRecordDataset(self.path("train.tf_record"), schema, columns_list=COLUMNS, shuffle=False)

    def train(self):
        """A tagger with a CRF that knows the sentences by heart, nearly."""
        self.run_program(
            "run_ner", "--do_train", f"--train_data_file_path={self.path('train.txt')}", f"--vocab_file_path={self.path('vocab.txt')}",
            f"--label_file_path={self.path('tags.txt')}", f"--save_finetune_checkpoint_path={self.path('model')}", "--use_crf",
            "--epoch_num=8", "--learning_rate=1e-2", "--train_batch_size=2", "--hidden_size=32", "--num_hidden_layers=1",
            "--num_attention_heads=2", "--intermediate_size=64", f"--seq_length={LENGTH}", "--threads=1", "--do_lower_case=false")

    def infer(self, name, *more):
        return self.run_program("infer", "--task=ner_crf", f"--load_finetune_checkpoint_path={self.path('model')}",
                                f"--work_dir={self.path(name)}", "--threads=1", *more)

    def test_inputs(self):
        """MindSpore's batches as files -> infer: the score of the records they are made of"""
        for dataset_format in "mindrecord", "tfrecord":
            generate_ner_records(self, dataset_format)
            if not (self.folder / "model").exists():
                self.train()
            for batch in 1, 2:
                with self.subTest(dataset_format=dataset_format, batch=batch):
                    name = f"{dataset_format}{batch}"
                    batches = write_inputs(self.folder / name / "preprocess_Result", self.open(dataset_format), batch)
                    self.assertEqual(batches, 4 // batch)
                    self.infer(name, "--stage=infer")
                    self.infer(name, "--stage=postprocess")
                    score = (self.folder / name / "acc.log").read_text(encoding="utf-8")
                    ending = "mindrecord" if dataset_format == "mindrecord" else "tf_record"
                    self.infer("own", f"--dataset_format={dataset_format}", f"--eval_batch_size={batch}",
                               f"--eval_data_file_path={self.path('train.' + ending)}")
                    self.assertEqual(score, (self.folder / "own" / "acc.log").read_text(encoding="utf-8"))
                    self.assertNotIn("found: 0 phrases", score)
                    for number in range(len(COLUMNS)):
                        place = f"preprocess_Result/{number:02d}_data/ner_crf_bs{batch}_0.bin"
                        self.assertEqual(*(np.fromfile(self.folder / run / place, np.int32).tolist() for run in (name, "own")))
