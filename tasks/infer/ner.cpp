// infer for names. Output of a tagger without a CRF: the logarithms of the tags' probabilities, float32 [B * S, T]. Of one with a CRF the best
// path, as MindSpore's gives it: output t is, for each tag at token t, the tag at the token before, int32 [B, T + 2], and output S the tag
// at the last token, int32 [B]. Here all tags of a token point to the tag on the best path, so that whoever follows the pointers back
// finds that, and those of token 0 to the start, T. A token that is not tagged, as padding, is outside every name.
#include <cmath>

#include "core/counted.h"
#include "core/joined.h"
#include "tasks/infer/inference.h"
#include "tasks/infer/tag_results.h"
#include "tasks/log/log.h"
#include "tasks/metrics/finite_scores.h"
#include "tasks/ner/evaluation.h"
#include "tasks/ner/input.h"

namespace gradus {
namespace {

// The label of a word that the tagger sees, but another row decides: of a sentence that is longer than a row.
constexpr int32_t decided_elsewhere = -101;

class NerInference final : public Inference {
 public:
  NerInference(Backend& backend, const InferOptions& infer, const NerOptions& options,
               std::unique_ptr<NerSystem> system)
      : infer_(infer),
        options_(options),
        system_(std::move(system)),
        tagger_(backend, *system_, TaggerOptions::of(options_)),
        rules_{system_->labels(), &system_->vocab(), system_->config().max_position_embeddings} {}

  NerSystem& system() override { return *system_; }
  InputForm form() const override { return {infer_.task, true, false}; }

  std::vector<DatasetRow> read_rows() override {
    const NerSet& set = this->set();
    if (options_.format() != DatasetFormat::text) return read_record_rows(options_, ner_record_columns());
    std::vector<DatasetRow> rows;
    for (const NerExample& example : set.examples->examples) {
      std::vector<int32_t>& labels = rows.emplace_back(make_ner_record(
          example, static_cast<int32_t>(options_.seq_length)))[input_label_column]
                                         .ints;
      for (size_t i = 0; i < example.words.size(); ++i) {
        const int32_t word = example.words[i];
        if (word >= 0 && (word < example.scored_begin || word >= example.scored_end))
          labels[static_cast<size_t>(example.first_pieces[i])] = decided_elsewhere;
      }
    }
    return rows;
  }

  void check_rows(InputBatch& batch) const override {
    for (DatasetRow row; batch.next(row);) read(batch, row);
  }

  std::vector<std::string> infer(InputBatch& batch) override {
    std::vector<NerExample> examples;
    int32_t number = 0;
    for (DatasetRow row; batch.next(row); ++number) {
      NerExample example = read(batch, row).example;
      example.sentence = number;
      if (!example.labels.empty()) examples.push_back(std::move(example));
    }
    TagResults results(system_->labels(), batch.capacity(), batch.length(), has_crf());
    tagger_.run(examples, [&](size_t i, std::span<const float> scores, std::span<const int32_t> tags) {
      check_finite_scores(scores,
                          [&] { return fmt::format("{} row {}", batch.name().str(), examples[i].sentence); });
      results.set(examples[i].sentence, examples[i].first_pieces, scores, tags);
    });
    return results.files();
  }

  Judgement judge(const InputFiles& inputs, const ResultFiles& results) override {
    check(inputs.has_labels(), "'{}' is not there: the labels to score by", infer_.label_dir);
    const bool from_text = infer_.has_data && options_.format() == DatasetFormat::text;
    Scored scored;
    if (from_text) {
      scored.data = &set().data;
      scored.predicted = all_outside(*scored.data, system_->labels());
    }
    TagReading reading(system_->labels(), results, has_crf());
    for (int64_t number = 0; number < inputs.count(); ++number) {
      InputBatch batch = inputs.read(number);
      reading.open(batch);
      int64_t in_batch = 0;
      for (DatasetRow row; batch.next(row); ++in_batch, ++scored.rows) {
        const NerRecord record = read(batch, row);
        const std::vector<int32_t> tags = reading.tags(in_batch, record.example.first_pieces);
        if (from_text) take_as_text(inputs, batch, record, tags, scored);
        else take_as_record(row, record, tags, scored);
      }
    }
    if (from_text) check_all_there(inputs, scored);
    if (reading.edges() > 0)
      print_log(log_of(options_), "warning: {} the CRF's start or end: taken as {}\n",
                counted(reading.edges(), "tag is", "tags are"),
                system_->labels().tag(system_->labels().outside_id()));
    Judgement judgement;
    const NerData& data = from_text ? *scored.data : scored.own;
    if (const std::string warning = warn_of_no_entity(options_.assessment_method, data); !warning.empty())
      print_log(log_of(options_), "warning: {}\n", warning);
    judgement.scores =
        score_tags(options_.assessment_method, data, system_->labels(),
                   system_->tag_reader(options_.assessment_method), scored.predicted, judgement.text);
    judgement.data = from_text ? set().examples->counts.str() : scored.counts.str();
    return judgement;
  }

 private:
  // What was predicted, and of what: the text's sentences, or a sentence of each row.
  struct Scored {
    const NerData* data = nullptr;
    NerData own;
    NerCounts counts;  // of own
    std::vector<std::vector<int32_t>> predicted;
    size_t rows = 0;
  };

  bool has_crf() const { return system_->settings().use_crf; }

  // The evaluation data, read once, with examples.
  const NerSet& set() {
    if (set_) return *set_;
    NerInputs inputs = read_ner_inputs(options_, system_->settings().columns);
    complete_ner_inputs(options_, *system_, inputs, log_of(options_));
    set_ = std::move(inputs.dev);
    if (!set_->examples) set_->examples = tagger_.examples(set_->data);
    return *set_;
  }

  // What a row says, for this tagger. The labels of rows without any are taken from their pieces.
  NerRecord read(InputBatch& batch, DatasetRow row) const {
    std::vector<int32_t>& labels = row[input_label_column].ints;
    const bool labelled = !labels.empty();
    if (!labelled) labels = usual_labels(row[0].ints, row[1].ints);
    std::ranges::replace(labels, decided_elsewhere, 0);
    NerRecord record = read_ner_record(batch, row, rules_);
    const LabelProtocol protocol = system_->protocol();
    if (protocol == LabelProtocol::first_piece) keep_words_alone(record.example);
    check(!labelled || protocol == LabelProtocol::first_piece || protocol == record.protocol,
          "{}: labelled by the protocol {}, the tagger by {}", batch.where(), name_of(record.protocol),
          name_of(protocol));
    return record;
  }

  // A label where the tagger looks.
  std::vector<int32_t> usual_labels(const std::vector<int32_t>& ids, const std::vector<int32_t>& mask) const {
    const Vocab& vocab = system_->vocab();
    const bool every_piece = system_->protocol() != LabelProtocol::first_piece;
    std::vector<int32_t> labels(ids.size(), unscored_label);
    for (size_t i = 0; i < ids.size() && mask[i] == 1; ++i) {
      const int32_t id = ids[i];
      const bool is_word = id != vocab.cls_id() && id != vocab.sep_id() && id >= 0 && id < vocab.size() &&
                           !vocab.token(id).starts_with("##");
      if (every_piece || is_word) labels[i] = 0;
    }
    return labels;
  }

  void take_as_text(const InputFiles& inputs, const InputBatch& batch, const NerRecord& record,
                    const std::vector<int32_t>& tags, Scored& scored) {
    check(inputs.length() == options_.seq_length, "--seq_length {}: the rows in '{}' have {} tokens",
          options_.seq_length, infer_.preprocess_path, inputs.length());
    const std::vector<NerExample>& examples = set().examples->examples;
    check(scored.rows < examples.size() && record.example.input_ids == examples[scored.rows].input_ids &&
              record.example.first_pieces == examples[scored.rows].first_pieces,
          "{} is not what {} makes: was it made of other data, or with other rules of the tokenizer?",
          batch.where(), set().data.path);
    take_scored_tags(examples[scored.rows], tags, scored.predicted);
  }

  void check_all_there(const InputFiles& inputs, const Scored& scored) {
    const size_t expected = set().examples->examples.size();
    check(scored.rows == expected, "'{}' has {} rows, {} makes {}: {} is the last file",
          infer_.preprocess_path, scored.rows, set().data.path, expected,
          inputs.name(inputs.count() - 1).str());
  }

  static void take_as_record(const DatasetRow& row, const NerRecord& record, const std::vector<int32_t>& tags,
                             Scored& scored) {
    NerSentence sentence;
    std::vector<int32_t>& predicted = scored.predicted.emplace_back();
    const NerExample& example = record.example;
    for (size_t i = 0; i < example.words.size(); ++i) {
      const auto token = static_cast<size_t>(example.first_pieces[i]);
      if (example.words[i] < 0 || row[input_label_column].ints[token] == decided_elsewhere) continue;
      const auto word = static_cast<size_t>(example.words[i]);
      sentence.words.push_back(record.sentence.words[word]);
      sentence.tags.push_back(record.sentence.tags[word]);
      sentence.lines.push_back(std::ssize(scored.own.sentences));
      predicted.push_back(tags[i]);
    }
    ++scored.counts.sentences;
    scored.counts.words += std::ssize(sentence.words);
    scored.counts.pieces += std::ssize(example.input_ids);
    scored.own.records = true;
    scored.own.sentences.push_back(std::move(sentence));
  }

  const InferOptions& infer_;
  const NerOptions& options_;
  std::unique_ptr<NerSystem> system_;
  NerTagger tagger_;
  NerRecordRules rules_;
  std::optional<NerSet> set_;
};

}  // namespace

std::unique_ptr<Inference> make_ner_inference(Backend& backend, const InferOptions& infer,
                                              const NerOptions& options, std::unique_ptr<NerSystem> system) {
  return std::make_unique<NerInference>(backend, infer, options, std::move(system));
}

}  // namespace gradus
