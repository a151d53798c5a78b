// A trained model, of whichever task, between texts and answers in three steps: what tasks/pipeline.h does in one call, taken
// apart for a program that serves many clients. Any thread may prepare texts and read their answers, while one, the same for all
// models of a device, computes texts of many clients in one batch.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/io/json.h"
#include "tasks/model_request.h"
#include "tasks/pipeline.h"
#include "tasks/text_query.h"

namespace gradus {

const char* name_of(ModelTask task);  // "tag", "classify", "answer"

// A text on its way through a model.
class TextWork {
 public:
  virtual ~TextWork() = default;
  int64_t tokens =
      0;  // that are computed, [CLS] and [SEP] included; of a text in several windows those of all
  bool truncated = false;  // some of the text, or of a question, is not among them
};

class TextModel {
 public:
  virtual ~TextModel() = default;
  virtual ModelTask task() const = 0;
  // What a request of it asks about.
  virtual RequestKind kind() const = 0;

  // Makes tokens of a text. Of one of more than `most_tokens` the windows that fit are computed, one at least; 0: all. Throws Error
  // naming the text where it is not UTF-8, or not what the model takes.
  virtual std::unique_ptr<TextWork> prepare(TextQuery query, int64_t most_tokens = 0) const = 0;
  // Computes what was prepared by this model, in batches of PipelineOptions::batch_size. Throws Error when the model gives anything
  // but numbers; nothing is known then of any of the texts.
  virtual void compute(std::span<TextWork* const> works) const = 0;
  // The answer to a text that was computed (tasks/result_json.h); of several questions that to the first.
  virtual Json result(const TextWork& work) const = 0;
};

// Prepares `count` texts, of which make(i) is what is asked, and computes them.
template <typename Make>
std::vector<std::unique_ptr<TextWork>> computed(const TextModel& model, size_t count, const Make& make) {
  std::vector<std::unique_ptr<TextWork>> works;
  std::vector<TextWork*> all;
  for (size_t i = 0; i < count; ++i) all.push_back(works.emplace_back(model.prepare(make(i))).get());
  model.compute(all);
  return works;
}

// The model of a folder. Throws Error as Tagger, Classifier and Answerer do.
std::unique_ptr<TextModel> open_text_model(const std::string& folder, const PipelineOptions& options);

}  // namespace gradus
