// Trained models for other programs: the folder that a training has saved to in, answers out.
//
//   const gradus::Tagger tagger("ner_finetune/ckpt/best");
//   for (const gradus::NamedSpan& name : tagger.tag("Anna lives in Paris ."))
//     fmt::print("{} is a {}\n", name.text, name.type);
//
// One thread at a time may use a model, and one at a time computes on a device: a program with many threads hands its texts to
// one that has the models. Functions of many texts batch them by their lengths. All functions throw Error, whose
// message says what was found and what is allowed. A signal handler that may run within one needs a stack of its own
// (sigaltstack, SA_ONSTACK), since code that oneDNN generates may move the thread's stack pointer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace gradus {

struct PipelineOptions {
  std::string device = "CPU";         // or "CUDA"
  int64_t device_id = 0;              // of several of these
  int64_t threads = 0;                // 0: one for each processor
  std::string compute_type = "fp32";  // or "bf16", "fp16", "int8", where the device has it
  int64_t batch_size = 64;
  // Most word pieces that are looked at together; longer texts are cut into overlapping parts, classified ones cut off. 0: 128,
  // with questions 384, or as many as the model has positions for. Questions get at most 64, and a third of it.
  int64_t seq_length = 0;
};

// What a model does: the class here that takes it.
enum class ModelTask : uint8_t {
  tag,       // Tagger
  classify,  // Classifier
  answer,    // Answerer
};

// What the model of a folder was trained for. Throws Error when none of them is there.
ModelTask task_of(const std::string& folder);

// A name that was found in a text: bytes [begin, end) of it.
struct NamedSpan {
  std::string type, text;
  size_t begin = 0, end = 0;
};

// Finds names, with a model of run_ner.
class Tagger {
 public:
  explicit Tagger(const std::string& folder, const PipelineOptions& options = {});
  ~Tagger();
  Tagger(Tagger&&) noexcept;
  // The names in a text, in its order. It is cut into words as the training data was; it is UTF-8.
  std::vector<NamedSpan> tag(const std::string& text) const;
  // Those of each text.
  std::vector<std::vector<NamedSpan>> tag_all(const std::vector<std::string>& texts) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// What a classifier says of a text: a class, any number of labels, or a score.
struct Classification {
  enum class Gives : uint8_t { one_class, labels, score };

  std::string label;       // the likeliest class; empty of a model of labels or scores
  double probability = 0;  // of that class
  double score = 0;        // of a model of scores
  std::vector<std::pair<std::string, double>>
      probabilities;  // of all classes or labels, in the order of their ids
  Gives gives = Gives::one_class;
  std::vector<std::pair<std::string, double>> labels = {};  // those that hold, and their probabilities
};

// Classifies texts, or pairs of them, with a model of run_classifier.
class Classifier {
 public:
  explicit Classifier(const std::string& folder, const PipelineOptions& options = {});
  ~Classifier();
  Classifier(Classifier&&) noexcept;
  // Whether it was trained on pairs of texts.
  bool takes_pairs() const;
  Classification classify(const std::string& text) const;
  std::vector<Classification> classify_all(const std::vector<std::string>& texts) const;
  std::vector<Classification> classify_pairs(
      const std::vector<std::pair<std::string, std::string>>& pairs) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// An answer that was found in a text: bytes [begin, end) of it, none where there is no answer.
struct FoundAnswer {
  std::string
      text;  // empty: the text does not answer the question. Of a model of whole words with other blanks than there
  double probability = 0;  // among the candidates; 0 of none
  size_t begin = 0, end = 0;
};

// Answers questions about a text, with a model of run_squad.
class Answerer {
 public:
  explicit Answerer(const std::string& folder, const PipelineOptions& options = {});
  ~Answerer();
  Answerer(Answerer&&) noexcept;
  FoundAnswer answer(const std::string& context, const std::string& question) const;
  // One answer for each question.
  std::vector<FoundAnswer> answer_all(const std::string& context,
                                      const std::vector<std::string>& questions) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace gradus
