// parallel_tfrecord_to_mindrecord: makes a MindRecord file of every TFRecord file in a folder.
#include <algorithm>
#include <filesystem>
#include <mutex>

#include "core/counted.h"
#include "core/error.h"
#include "core/io/files.h"
#include "core/run_parallel.h"
#include "data/mind_record_writer.h"
#include "data/tf_example.h"
#include "data/tf_record.h"
#include "tasks/main.h"
#include "tasks/options/options.h"
#include "tasks/output_lock.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

constexpr const char* purpose =
    R"(Makes a MindRecord file of every TFRecord file in a folder. The first record of a file tells its columns: integers
become int64, floats float32, and a column of one string becomes bytes.)";
constexpr const char* example =
    "parallel_tfrecord_to_mindrecord --input_tfrecord_dir wiki/ --output_mindrecord_dir wiki_mindrecord/";

using Type = MindRecordColumn::Type;

std::vector<MindRecordColumn> columns_of(const TfExample& example, const std::string& where) {
  std::vector<MindRecordColumn> columns;
  for (const auto& [name, feature] : example.features()) {
    switch (feature.kind) {
      case TfFeature::Kind::ints:
        columns.push_back({std::string(name), Type::int64, {-1}});
        break;
      case TfFeature::Kind::floats:
        columns.push_back({std::string(name), Type::float32, {-1}});
        break;
      case TfFeature::Kind::bytes:
        columns.push_back({std::string(name), Type::bytes, {}});
        break;
      case TfFeature::Kind::none:
        fail("{}: \"{}\" has no list, so that its type is not known", where, name);
    }
  }
  return columns;
}

TfFeature::Kind kind_of(Type type) {
  return type == Type::int64     ? TfFeature::Kind::ints
         : type == Type::float32 ? TfFeature::Kind::floats
                                 : TfFeature::Kind::bytes;
}

void fill(MindRecordRow& row, const std::vector<MindRecordColumn>& columns, const TfExample& example,
          const std::string& where) {
  check(example.features().size() == columns.size(), "{}: {} columns, the first record has {}", where,
        example.features().size(), columns.size());
  for (size_t c = 0; c < columns.size(); ++c) {
    const TfFeature* feature = example.find(columns[c].name);
    check(feature != nullptr, "{}: no \"{}\", which the first record has", where, columns[c].name);
    const TfFeature::Kind wanted = kind_of(columns[c].type);
    check(feature->kind == wanted, "{}: \"{}\" holds {}, in the first record {}", where, columns[c].name,
          name_of(feature->kind), name_of(wanted));
    MindRecordValue& value = row[c];
    if (columns[c].type == Type::bytes) {
      check(feature->bytes.size() == 1, "{}: \"{}\" has {} strings: MindRecord takes one", where,
            columns[c].name, feature->bytes.size());
      value.bytes = feature->bytes[0];
    } else if (columns[c].type == Type::int64) {
      value.ints = feature->ints;
    } else {
      value.floats.assign(feature->floats.begin(), feature->floats.end());
    }
  }
}

int64_t convert(const std::string& from, const std::string& to) {
  const OutputLock lock(to);
  TfRecordReader reader(from);
  TfExample example;
  std::string_view record;
  check(reader.next(record), "{}: no record", from);
  example.parse(record, reader.where());
  MindRecordWriter writer(to, columns_of(example, reader.where()));
  MindRecordRow row(writer.columns().size());
  do {
    if (reader.record_number() > 1) example.parse(record, reader.where());
    fill(row, writer.columns(), example, reader.where());
    writer.write(row);
  } while (reader.next(record));
  writer.finish();
  if (example.unknown_fields() > 0)
    print_log(stderr, "warning: {}: {} fields are not of tf.train.Example: left out\n", from,
              example.unknown_fields());
  return reader.record_number();
}

struct Job {
  std::string from, to;
};

std::vector<Job> jobs_of(const std::string& input, const std::string& output) {
  check(fs::is_directory(input), "--input_tfrecord_dir {}: no such folder", input);
  std::vector<Job> jobs;
  for (const auto& entry : fs::directory_iterator(input)) {
    if (is_lock_file(entry.path())) continue;
    if (!entry.is_regular_file()) {
      print_log(stdout, "{} is no file: left out\n", entry.path().string());
      continue;
    }
    // Beside records lie the list of their labels and descriptions.
    if (const std::string kind = entry.path().extension().string(); kind == ".txt" || kind == ".json") {
      print_log(stdout, "{} has no records: left out\n", entry.path().string());
      continue;
    }
    jobs.push_back(
        {entry.path().string(), (fs::path(output) / entry.path().stem()).string() + ".mindrecord"});
  }
  std::sort(jobs.begin(), jobs.end(), [](const Job& a, const Job& b) { return a.from < b.from; });
  check(!jobs.empty(), "--input_tfrecord_dir {}: no file in it", input);
  for (size_t i = 1; i < jobs.size(); ++i) {
    for (size_t j = 0; j < i; ++j)
      check(jobs[i].to != jobs[j].to, "{} and {} would both become {}", jobs[j].from, jobs[i].from,
            jobs[i].to);
  }
  return jobs;
}

// Runs the jobs on several threads. The first error ends the run, after the files then at work.
void run_jobs(const std::vector<Job>& jobs, int64_t threads) {
  std::mutex output;
  size_t done = 0;
  run_parallel(jobs.size(), threads, [&](size_t i) {
    {
      const std::lock_guard lock(output);
      print_log(stdout, "Start convert {} to {}.\n", jobs[i].from, jobs[i].to);
    }
    const int64_t rows = convert(jobs[i].from, jobs[i].to);
    const std::lock_guard lock(output);
    print_log(stdout, "Convert {} to {} success. ({} of {}, {})\n", jobs[i].from, jobs[i].to, ++done,
              counted(jobs.size(), "file"), counted(rows, "row"));
  });
}

int run(int argc, char** argv) {
  int64_t pool_nums = 8;
  std::string input, output;
  Options options("parallel_tfrecord_to_mindrecord", purpose, example);
  options.add("pool_nums", pool_nums, "files converted at the same time").between(1, 1024);
  options.add("input_tfrecord_dir", input, "folder of TFRecord files, plain, *.gz or *.zlib").folder();
  options
      .add("output_mindrecord_dir", output,
           "folder to write to, made when it is not there; files in it are replaced")
      .folder();
  if (!options.parse(argc, argv)) return 0;
  check(!input.empty(), "--input_tfrecord_dir is missing");
  check(!output.empty(), "--output_mindrecord_dir is missing");
  const std::vector<Job> jobs = jobs_of(input, output);
  make_folder(output);
  run_jobs(jobs, pool_nums);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
