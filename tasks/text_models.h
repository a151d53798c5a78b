// The models of tasks/text_model.h, with answers in the types of tasks/pipeline.h.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tasks/text_model.h"

namespace gradus {

class TextTagger final : public TextModel {
 public:
  TextTagger(const std::string& folder, const PipelineOptions& options);
  ~TextTagger() override;
  ModelTask task() const override { return ModelTask::tag; }
  RequestKind kind() const override { return RequestKind::texts; }
  std::unique_ptr<TextWork> prepare(TextQuery query, int64_t most_tokens) const override;
  void compute(std::span<TextWork* const> works) const override;
  Json result(const TextWork& work) const override;
  std::vector<NamedSpan> names(const TextWork& work) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

class TextClassifier final : public TextModel {
 public:
  TextClassifier(const std::string& folder, const PipelineOptions& options);
  ~TextClassifier() override;
  ModelTask task() const override { return ModelTask::classify; }
  RequestKind kind() const override { return takes_pairs() ? RequestKind::pairs : RequestKind::texts; }
  bool takes_pairs() const;
  std::unique_ptr<TextWork> prepare(TextQuery query, int64_t most_tokens) const override;
  void compute(std::span<TextWork* const> works) const override;
  Json result(const TextWork& work) const override;
  Classification classification(const TextWork& work) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

class TextAnswerer final : public TextModel {
 public:
  TextAnswerer(const std::string& folder, const PipelineOptions& options);
  ~TextAnswerer() override;
  ModelTask task() const override { return ModelTask::answer; }
  RequestKind kind() const override { return RequestKind::questions; }
  std::unique_ptr<TextWork> prepare(TextQuery query, int64_t most_tokens) const override;
  void compute(std::span<TextWork* const> works) const override;
  Json result(const TextWork& work) const override;
  // One for each question.
  std::vector<FoundAnswer> answers(const TextWork& work) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace gradus
