#include "tasks/records/record_generator.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "core/joined.h"
#include "data/unicode.h"
#include "tasks/log/log.h"
#include "tasks/output_lock.h"

namespace gradus {
namespace {

namespace fs = std::filesystem;

std::string ending_of(const RecordFormat& row, const std::string& mindrecord_ending) {
  return row.format == DatasetFormat::mindrecord ? mindrecord_ending : std::string(row.ending);
}

// Tells which files of a data set's folder nobody asked for: one may be meant.
void tell_unused(const std::string& folder, const std::vector<RecordJob>& jobs) {
  std::vector<std::string> names;
  std::error_code none;  // a folder that is not there is noticed when a file is read
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    const auto is_it = [&](const RecordJob& job) {
      return fs::path(job.text).filename() == entry.path().filename();
    };
    const bool is_ours = is_lock_file(entry.path());
    if (!is_ours && std::none_of(jobs.begin(), jobs.end(), is_it))
      names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  if (!names.empty()) print_log(stdout, "{}: not used: {}\n", folder, shown_list(names));
}

// Completes records; the files are still to be committed.
std::vector<AtomicFile*> complete_records(std::span<const std::unique_ptr<DatasetWriter>> writers,
                                          bool overwrite) {
  std::vector<AtomicFile*> files;
  for (const auto& writer : writers) {
    const std::vector<AtomicFile*> more = writer->complete();
    const AtomicFile& records = *more.front();  // an index has none of its own
    check(overwrite || !fs::exists(records.path()) || records.repeats_old(),
          "{} is there already, and has other records than these (--overwrite true makes it anew)",
          records.path().string());
    files.insert(files.end(), more.begin(), more.end());
  }
  return files;
}

}  // namespace

void RecordSettings::declare_input(Options& options, const std::string& labels) {
  options.add("data_dir", data_dir, "folder of the files").folder();
  options.add("do_train", wanted[0], "make the records to train on");
  options.add("do_eval", wanted[1], "make the records to score on");
  options.add("do_predict", wanted[2], "make the records of the third file, which may lack labels");
  options.add("train_file", files[0], "text in data_dir; none: the data set's own name").path();
  options.add("eval_file", files[1], "likewise").file();
  options.add("predict_file", files[2], "likewise").file();
  options
      .add("label_file", label_file,
           labels + ", one a line; none: label_list.txt of output_dir, or else those of the data")
      .file();
  tokenizer.declare(options);
}

void RecordSettings::declare_output(Options& options) {
  options.add("output_dir", output_dir, "folder to write to, made when it is not there").folder();
  options.add("dataset_format", dataset_format, "what to write").choices(choices_of(record_formats()));
  options.add("overwrite", overwrite, "make files anew that are there already; otherwise they are kept");
  options.add("max_seq_length", max_seq_length, "numbers in a record").between(3, 1 << 20);
}

RecordFolder::RecordFolder(const RecordSettings& settings, const std::array<RecordSplit, 3>& splits,
                           const std::string& mindrecord_ending, bool has_labels)
    : folder_(settings.output_dir, stdout), label_file_(settings.label_file) {
  const fs::path folder = settings.output_dir;
  label_list_ = (folder / "label_list.txt").string();
  const bool lacks_labels = has_labels && !fs::exists(label_list_);
  for (size_t i = 0; i < splits.size(); ++i) {
    for (const RecordFormat& format : record_formats()) {
      const fs::path output = folder / (splits[i].output + ending_of(format, mindrecord_ending));
      const bool is_there = !lacks_labels && is_whole_dataset(output, format.format);
      const bool wanted = settings.wanted[i] && settings.dataset_format == format.name;
      const std::string name = settings.files[i].empty() ? splits[i].file : settings.files[i];
      if (wanted && (settings.overwrite || !is_there))
        jobs_.push_back({i, (fs::path(settings.data_dir) / name).string(), output});
      else if (is_there) kept_.push_back(output.string());
      if (wanted && is_there && !settings.overwrite)
        print_log(stdout, "{} is there already: kept (--overwrite true makes it anew)\n", output.string());
    }
  }
  if (!jobs_.empty()) tell_unused(settings.data_dir, jobs_);
  keeps_label_list_ =
      fs::exists(label_list_) && (!kept_.empty() || (!settings.overwrite && settings.label_file.empty()));
}

void RecordFolder::check_asked_labels(const std::vector<std::string>& asked,
                                      const std::vector<std::string>& listed) const {
  check(asked == listed, "{}: the labels {}, but {} was made with {}: name another --output_dir", label_file_,
        joined(asked, ", "), kept_.front(), joined(listed, ", "));
}

void commit_records(std::span<const std::unique_ptr<DatasetWriter>> writers, bool overwrite) {
  commit_together(complete_records(writers, overwrite));
}

RecordFiles::RecordFiles(const RecordSettings& settings, const std::vector<RecordList>& lists)
    : settings_(settings) {
  const bool changes = std::any_of(lists.begin(), lists.end(), [](const RecordList& list) {
    return fs::exists(list.path) && read_file(list.path) != list.text;
  });
  for (const RecordList& list : lists) {
    if (!changes && fs::exists(list.path)) continue;
    auto file = std::make_unique<AtomicFile>(list.path);
    file->write(list.text);
    if (changes) lists_.push_back(std::move(file));
    else file->commit();
  }
}

void RecordFiles::write(const RecordJob& job, std::vector<DatasetColumn> columns, size_t count,
                        const std::function<DatasetRow(size_t)>& make, const std::string& counts) {
  writers_.push_back(DatasetWriter::create(
      job.output.string(), parse_dataset_format(settings_.dataset_format), std::move(columns)));
  {
    Phase phase("writing " + job.output.filename().string(), static_cast<int64_t>(count));
    for (size_t i = 0; i < count; ++i) {
      writers_.back()->write(make(i));
      phase.done(static_cast<int64_t>(i + 1));
    }
  }
  if (lists_.empty()) {
    commit_records(writers_, settings_.overwrite);
    writers_.clear();
  }
  print_log(stdout, "{}: {}\nTotal instances is:  {}\n", job.output.string(), counts, count);
}

void RecordFiles::finish() {
  std::vector<AtomicFile*> files;
  for (const auto& list : lists_) files.push_back(list.get());
  const std::vector<AtomicFile*> records = complete_records(writers_, settings_.overwrite);
  files.insert(files.end(), records.begin(), records.end());
  commit_together(files);
}

}  // namespace gradus
