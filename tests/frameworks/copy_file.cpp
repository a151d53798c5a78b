// Reads a file with Gradus' reader and writes it anew with its writer, in forms that no program makes: MindRecord
// sets of several shards and many pages, compressed TFRecords, checkpoints with every type of number, checksums and
// tensors in parts.
//
//   copy_file mindrecord FROM TO SHARDS
//   copy_file tfrecord FROM TO             compressed when TO ends with .gz or .zlib
//   copy_file safetensors|mindspore|tensorflow FROM TO
#include <filesystem>
#include <vector>

#include "data/mind_record_writer.h"
#include "data/tf_example.h"
#include "data/tf_record.h"
#include "nn/checkpoints/checkpoint_file.h"
#include "nn/checkpoints/mindspore_checkpoint.h"
#include "nn/checkpoints/safetensors.h"
#include "nn/checkpoints/tensorflow_checkpoint.h"
#include "tasks/main.h"

using namespace gradus;

namespace {

void copy_mindrecord(const std::string& from, const std::string& to, int64_t shards) {
  MindRecordReader reader(from);
  // The least that is allowed, so that a few hundred rows fill many pages.
  MindRecordOptions options;
  options.shards = shards;
  options.header_size = 16U << 10;
  options.page_size = 32U << 10;
  MindRecordWriter writer(to, reader.columns(), options);
  int64_t number = 0;
  for (MindRecordRow row; reader.next(row); ++number)
    writer.write(row, MindRecordWriter::shard_of(number, reader.rows(), shards));
  writer.finish();
}

void copy_tfrecord(const std::string& from, const std::string& to) {
  TfRecordReader reader(from);
  TfRecordWriter writer(to);
  TfExample example;
  for (std::string_view record; reader.next(record);) {
    example.parse(record, reader.where());
    TfExampleWriter copy;
    for (const auto& [name, feature] : example.features()) {
      const std::string key(name);
      switch (feature.kind) {
        case TfFeature::Kind::none:
          fail("{}: \"{}\" has no list, which the writer does not make", reader.where(), name);
        case TfFeature::Kind::bytes:
          copy.bytes(key, std::vector<std::string>(feature.bytes.begin(), feature.bytes.end()));
          break;
        case TfFeature::Kind::floats:
          copy.floats(key, feature.floats);
          break;
        case TfFeature::Kind::ints:
          copy.ints(key, std::span(feature.ints));
          break;
      }
    }
    writer.write(copy.serialize());
  }
  writer.finish();
}

int run(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  check(words.size() == 3 || (words.size() == 4 && words[0] == "mindrecord"),
        "expected: copy_file FORMAT FROM TO, and SHARDS after mindrecord");
  const std::string &format = words[0], &from = words[1], &to = words[2];
  if (format == "mindrecord") {
    copy_mindrecord(from, to, words.size() == 4 ? std::stol(words[3]) : 1);
    return 0;
  }
  if (format == "tfrecord") {
    copy_tfrecord(from, to);
    return 0;
  }
  const CheckpointFile file(from);
  MindSporeOptions options;
  options.checksum = true;
  options.part_bytes = 1024;
  if (format == "safetensors") write_safetensors(to, file.tensors(), file.metadata());
  else if (format == "mindspore") write_mindspore_checkpoint(to, file.tensors(), options);
  else if (format == "tensorflow") write_tensorflow_checkpoint(to, file.tensors());
  else fail("'{}': expected mindrecord, tfrecord, safetensors, mindspore or tensorflow", format);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
