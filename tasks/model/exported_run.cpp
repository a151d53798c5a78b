#include "tasks/model/exported_run.h"

#include <algorithm>

#include "core/io/checked_json.h"
#include "core/joined.h"
#include "tasks/model/token_packer.h"

namespace gradus {
namespace {

std::vector<float> numbers_in(const JsonField& list) {
  std::vector<float> numbers;
  for (const JsonField& number : list.items()) numbers.push_back(static_cast<float>(number.number()));
  return numbers;
}

// The scores of a CRF that stand in a file. Throws Error naming the key when they are not those of as many tags as it has labels.
CrfNumbers crf_of(const onnx::Header& header) {
  const auto where = [&](const char* key) { return fmt::format("{}: '{}'", header.path, key); };
  const auto json = [&](const char* key) { return parse_json(header.text(key), where(key)); };
  const auto list = [&](const char* key) {
    const Json numbers = json(key);
    return numbers_in(JsonField(numbers, where(key)));
  };
  CrfNumbers crf{{}, list("start_transitions"), list("end_transitions")};
  const Json rows = json("transitions");
  for (const JsonField& row : JsonField(rows, where("transitions")).items()) {
    const std::vector<float> more = numbers_in(row);
    crf.transitions.insert(crf.transitions.end(), more.begin(), more.end());
  }
  const size_t tags = json("labels").size();
  const auto check_count = [&](const char* key, const std::vector<float>& numbers, size_t count) {
    check(numbers.size() == count, "{}: {} numbers, expected {}", where(key), numbers.size(), count);
  };
  check_count("transitions", crf.transitions, tags * tags);
  check_count("start_transitions", crf.start, tags);
  check_count("end_transitions", crf.end, tags);
  return crf;
}

}  // namespace

std::vector<std::string> exported_tasks_of(std::string_view program) {
  std::vector<std::string> names;
  for (const ExportedTask& task : exported_tasks)
    if (task.program == program) names.emplace_back(task.name);
  return names;
}

// A batch on the host.
struct ExportedRun::Texts {
  std::vector<int32_t> ids, token_types, offsets;
  std::vector<int32_t> words = {}, word_offsets = {};  // of a tagger: the rows that are tagged, of each text

  int64_t count() const { return std::ssize(offsets) - 1; }
  int64_t length(int64_t text) const { return end(offsets, text) - begin(offsets, text); }
  int64_t word_count(int64_t text) const {
    return word_offsets.empty() ? 0 : end(word_offsets, text) - begin(word_offsets, text);
  }
  static int64_t begin(const std::vector<int32_t>& list, int64_t text) {
    return list[static_cast<size_t>(text)];
  }
  static int64_t end(const std::vector<int32_t>& list, int64_t text) {
    return list[static_cast<size_t>(text) + 1];
  }
};

ExportedRun::ExportedRun(const std::string& path, const std::vector<std::string>& tasks, int64_t seq_length,
                         int64_t threads, const std::string& runtime)
    : header_(onnx::read_header(path)), task_(header_.text("task")) {
  check_file(tasks, seq_length);
  session_ = open_onnx(path, static_cast<int>(threads), runtime);
}

ExportedRun::ExportedRun(onnx::Header header, std::unique_ptr<OnnxSession> session,
                         const std::vector<std::string>& tasks, int64_t seq_length)
    : header_(std::move(header)), task_(header_.text("task")), session_(std::move(session)) {
  check_file(tasks, seq_length);
}

void ExportedRun::check_file(const std::vector<std::string>& tasks, int64_t seq_length) {
  check(std::ranges::find(tasks, task_) != tasks.end(), "{}: a model for the task {}, expected {}",
        header_.path, task_, joined(tasks, " or "));
  const onnx::Header::Value* ids = header_.input("input_ids");
  check(ids != nullptr && ids->axes.size() == 2, "{}: no input is called input_ids and has two axes",
        header_.path);
  fixed_batch_ = ids->axes[0].size;
  fixed_sequence_ = ids->axes[1].size;
  if (task_ == "ner" && header_.text("decoding") == "viterbi") crf_ = crf_of(header_);
  check(fixed_sequence_ == 0 || seq_length <= fixed_sequence_,
        "--seq_length {}: the texts of {} have {} tokens", seq_length, header_.path, fixed_sequence_);
}

std::string ExportedRun::description() const {
  return fmt::format("{} in {}", header_.path, session_->description());
}

template <typename Take>
void ExportedRun::run(const Texts& texts, const std::vector<std::string>& outputs, Take&& take) const {
  const int64_t at_once = fixed_batch_ > 0 ? fixed_batch_ : texts.count();
  const bool by_words = header_.input("word_positions") != nullptr;
  for (int64_t first = 0; first < texts.count(); first += at_once) {
    const int64_t here = std::min(at_once, texts.count() - first);
    int64_t longest = fixed_sequence_, most_words = 1;
    for (int64_t text = first; text < first + here; ++text) {
      longest = std::max(longest, texts.length(text));
      most_words = std::max(most_words, texts.word_count(text));
    }
    const auto filled = [&](int64_t columns, int64_t filler) {
      return OnnxTensor{{at_once, columns},
                        std::vector<int64_t>(static_cast<size_t>(at_once * columns), filler)};
    };
    OnnxTensor ids = filled(longest, 0), mask = filled(longest, 0), token_types = filled(longest, 0),
               words = filled(most_words, -1);
    for (int64_t text = 0; text < at_once; ++text) {
      // Where there are fewer texts than the file takes, the first of them stands for the rest.
      const int64_t number = first + (text < here ? text : 0), begin = Texts::begin(texts.offsets, number);
      for (int64_t token = 0; token < texts.length(number); ++token) {
        const auto place = static_cast<size_t>(text * longest + token);
        ids.integers[place] = texts.ids[static_cast<size_t>(begin + token)];
        token_types.integers[place] = texts.token_types[static_cast<size_t>(begin + token)];
        mask.integers[place] = 1;
      }
      for (int64_t word = 0; by_words && word < texts.word_count(number); ++word) {
        const int64_t row = texts.words[static_cast<size_t>(Texts::begin(texts.word_offsets, number) + word)];
        words.integers[static_cast<size_t>(text * most_words + word)] = row - begin;
      }
    }
    std::map<std::string, OnnxTensor> inputs{{"input_ids", std::move(ids)},
                                             {"attention_mask", std::move(mask)},
                                             {"token_type_ids", std::move(token_types)}};
    if (by_words) inputs.emplace("word_positions", std::move(words));
    const Outputs found = session_->run(inputs, outputs);
    for (const std::string& output : outputs) {
      const OnnxTensor& tensor = found.at(output);
      check(tensor.dims.size() >= 2 && tensor.dims[0] == at_once, "{}: {} has not the numbers of {} texts",
            header_.path, output, at_once);
    }
    take(found, first, here);
  }
}

std::vector<Tensor> ExportedRun::tag(const Batch& batch, const Texts& texts) const {
  const std::string output = header_.output("emissions") != nullptr ? "emissions" : "logits";
  const bool has_tags = header_.output("tags") != nullptr,
             by_words = header_.input("word_positions") != nullptr;
  const int64_t rows = batch["rows"].shape()[0];
  int64_t classes = 0;
  std::vector<float> scores;
  std::vector<int32_t> tags(static_cast<size_t>(rows));
  run(texts, has_tags ? std::vector<std::string>{output, "tags"} : std::vector<std::string>{output},
      [&](const Outputs& found, int64_t first, int64_t count) {
        const OnnxTensor& numbers = found.at(output);
        classes = numbers.dims.back();
        scores.resize(static_cast<size_t>(rows * classes));
        for (int64_t text = 0; text < count; ++text) {
          const int64_t begin = Texts::begin(texts.word_offsets, first + text);
          for (int64_t word = 0; word < texts.word_count(first + text); ++word) {
            const int64_t row = texts.words[static_cast<size_t>(begin + word)];
            const int64_t column = by_words ? word : row - Texts::begin(texts.offsets, first + text);
            const auto from = numbers.floats.begin() + (text * numbers.dims[1] + column) * classes;
            std::copy_n(from, classes, scores.begin() + (begin + word) * classes);
            if (has_tags)
              tags[static_cast<size_t>(begin + word)] = static_cast<int32_t>(
                  found.at("tags").integers[static_cast<size_t>(text * numbers.dims[1] + word)]);
          }
        }
      });
  Backend& backend = batch.block().backend();
  const Tensor of_words = Tensor::from(backend, {rows, classes}, std::span<const float>(scores));
  if (!has_tags) return {of_words, decode(batch, of_words)};
  return {of_words, Tensor::from(backend, {rows}, std::span<const int32_t>(tags))};
}

Tensor ExportedRun::decode(const Batch& batch, const Tensor& scores) const {
  Backend& backend = scores.backend();
  Tensor tags = Tensor::empty(backend, {scores.shape()[0]}, DType::int32);
  if (!crf_) {
    backend.argmax({scores, tags});
    return tags;
  }
  const int64_t classes = scores.shape()[1];
  const auto stored = [&](const Shape& shape, const std::vector<float>& numbers) {
    return Tensor::from(backend, shape, std::span<const float>(numbers));
  };
  backend.crf_viterbi({scores,
                       batch.packing("word_offsets"),
                       {stored({classes, classes}, crf_->transitions), stored({classes}, crf_->start),
                        stored({classes}, crf_->end)},
                       tags});
  return tags;
}

std::vector<Tensor> ExportedRun::classify(const Batch& batch, const Texts& texts) const {
  const int64_t rows = batch["first_rows"].shape()[0];
  int64_t classes = 0;
  std::vector<float> logits;
  run(texts, {"logits"}, [&](const Outputs& found, int64_t first, int64_t count) {
    const OnnxTensor& numbers = found.at("logits");
    classes = numbers.dims.back();
    logits.resize(static_cast<size_t>(rows * classes));
    std::copy_n(numbers.floats.begin(), count * classes, logits.begin() + first * classes);
  });
  return {Tensor::from(batch.block().backend(), {rows, classes}, std::span<const float>(logits))};
}

std::vector<Tensor> ExportedRun::answer(const Batch& batch, const Texts& texts) const {
  const int64_t rows = batch["input_ids"].shape()[0];
  std::vector<float> logits(static_cast<size_t>(2 * rows));
  run(texts, {"start_logits", "end_logits"}, [&](const Outputs& found, int64_t first, int64_t count) {
    for (const int side : {0, 1}) {
      const OnnxTensor& numbers = found.at(side == 0 ? "start_logits" : "end_logits");
      for (int64_t text = 0; text < count; ++text) {
        const int64_t begin = Texts::begin(texts.offsets, first + text);
        for (int64_t token = 0; token < texts.length(first + text); ++token)
          logits[static_cast<size_t>(2 * (begin + token) + side)] =
              numbers.floats[static_cast<size_t>(text * numbers.dims[1] + token)];
      }
    }
  });
  return {Tensor::from(batch.block().backend(), {rows, 2}, std::span<const float>(logits))};
}

std::vector<Tensor> ExportedRun::forward(const Batch& batch) const {
  Texts texts{batch["input_ids"].to_host_int(), batch["token_type_ids"].to_host_int(),
              batch["offsets"].to_host_int()};
  if (task_ == "ner") {
    texts.words = batch["rows"].to_host_int();
    texts.word_offsets = batch["word_offsets"].to_host_int();
    return tag(batch, texts);
  }
  return task_ == "question_answering" ? answer(batch, texts) : classify(batch, texts);
}

}  // namespace gradus
