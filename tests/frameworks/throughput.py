"""Reads the same rows with Gradus, MindSpore and TensorFlow, in turns and on one processor core, and compares the speeds.

The rows are those of tests/bench/record_bench.cpp: 50,000 with four lists of 128 numbers, read as batches of 32, and one by one.
Usage: FOLDER/bin/python throughput.py build/tests/record_bench [ROUNDS]
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

CORE = max(os.sched_getaffinity(0))
os.sched_setaffinity(0, {CORE})  # before the frameworks start their threads
os.environ["OMP_NUM_THREADS"] = "1"

from common import mindspore, tensorflow as tf  # noqa: E402

ROWS, LENGTH, BATCH = 50_000, 128, 32
COLUMNS = ["input_ids", "input_mask", "label_ids", "segment_ids"]
OURS = {"TFRecord, batches": "Gradus, TFRecord, batches", "MindRecord, batches": "Gradus, MindRecord, batches",
        "TFRecord": "Gradus, TFRecord", "MindRecord": "Gradus, MindRecord"}


def gradus_speeds(bench, folder):
    """Rows a second of both files."""
    lines = subprocess.run([bench, folder, "1"], capture_output=True, text=True, check=True).stdout.splitlines()
    return {OURS[line[:20].strip()]: float(line[20:].split()[0]) for line in lines if line[:20].strip() in OURS}


def rows_per_second(batches):
    """Of an iterator over lists of matrices, or of one row's vectors."""
    start = time.perf_counter()
    count = 0
    for columns in batches:
        assert len(columns) == len(COLUMNS) and all(column.shape[-1] == LENGTH for column in columns)
        count += len(columns[0]) if columns[0].ndim == 2 else 1
    seconds = time.perf_counter() - start
    assert count == ROWS, count
    return ROWS / seconds


def mindspore_speed(path, batch):
    mindspore.dataset.config.set_num_parallel_workers(1)
    rows = mindspore.dataset.MindDataset(path, columns_list=COLUMNS, shuffle=False, num_parallel_workers=1)
    if batch:
        rows = rows.batch(BATCH, num_parallel_workers=1)
    return rows_per_second(rows.create_tuple_iterator(num_epochs=1, output_numpy=True))


def tensorflow_speed(path, batch):
    features = {name: tf.io.FixedLenFeature([LENGTH], tf.int64) for name in COLUMNS}
    parse = tf.io.parse_example if batch else tf.io.parse_single_example
    records = tf.data.TFRecordDataset(path)
    if batch:
        records = records.batch(BATCH)
    rows = records.map(lambda record: parse(record, features), num_parallel_calls=1)
    options = tf.data.Options()
    options.threading.private_threadpool_size = 1
    options.threading.max_intra_op_parallelism = 1
    options.autotune.enabled = False
    return rows_per_second(list(row.values()) for row in rows.with_options(options))


def main():
    bench, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    if mindspore is None or tf is None:
        sys.exit("error: needs mindspore and tensorflow (tests/frameworks/install.sh)")
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    speeds, loads = {}, []
    with tempfile.TemporaryDirectory(prefix="gradus-throughput-") as folder:
        gradus_speeds(bench, folder)  # makes the files
        mind, tf_record = folder + "/rows.mindrecord", folder + "/rows.tfrecord"
        theirs = {"MindDataset, batches": lambda: mindspore_speed(mind, True),
                  "TFRecordDataset, batches": lambda: tensorflow_speed(tf_record, True),
                  "MindDataset": lambda: mindspore_speed(mind, False),
                  "TFRecordDataset": lambda: tensorflow_speed(tf_record, False)}
        for number in range(rounds + 1):
            for name, speed in theirs.items():
                turn = gradus_speeds(bench, folder) | {name: speed()}
                if number == 0:  # warms up
                    continue
                for key, value in turn.items():
                    speeds.setdefault(key, []).append(value)
            loads.append(os.getloadavg()[0])
    print(f"core {CORE} of {os.cpu_count()}, load {min(loads):.1f} to {max(loads):.1f}, {rounds} rounds")
    median = {name: statistics.median(values) for name, values in speeds.items()}
    for name, values in speeds.items():
        print(f"{name:27} {median[name]:10,.0f} rows/s (median of {len(values)}; {min(values):,.0f} to {max(values):,.0f})")
    for kind in ("MindRecord", "TFRecord"):
        for how in (", batches", ""):
            peer = "MindDataset" if kind == "MindRecord" else "TFRecordDataset"
            print(f"{kind}{how}: {median[f'Gradus, {kind}{how}'] / median[peer + how]:.1f} times {peer}")


if __name__ == "__main__":
    main()
