#include "data/pretraining_instances.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace gradus {
namespace {

using Tokens = std::span<const int32_t>;

void check_options(const PretrainingOptions& o) {
  check(o.max_seq_length >= 5, "[pretraining] max_seq_length {}: expected 5 or more", o.max_seq_length);
  check(o.max_predictions_per_seq >= 1, "[pretraining] max_predictions_per_seq {}: expected 1 or more",
        o.max_predictions_per_seq);
  check(o.dupe_factor >= 1, "[pretraining] dupe_factor {}: expected 1 or more", o.dupe_factor);
  const auto is_part = [](double p) { return p >= 0 && p <= 1; };
  check(is_part(o.masked_lm_prob), "[pretraining] masked_lm_prob {}: expected 0 to 1", o.masked_lm_prob);
  check(is_part(o.short_seq_prob), "[pretraining] short_seq_prob {}: expected 0 to 1", o.short_seq_prob);
}

// The tokens that one may be replaced by: each different one once, in the order of the vocabulary.
std::vector<int32_t> replacements(const Vocab& vocab, bool exclude_special) {
  std::vector<int32_t> ids;
  std::vector<bool> seen(static_cast<size_t>(vocab.size()));
  for (int32_t i = 0; i < vocab.size(); ++i) {
    const std::string& token = vocab.token(i);
    const int32_t id = vocab.find(token);
    const bool is_special = token.size() > 2 && token.front() == '[' && token.back() == ']';
    if (seen[static_cast<size_t>(id)] || (exclude_special && is_special)) continue;
    seen[static_cast<size_t>(id)] = true;
    ids.push_back(id);
  }
  return ids;
}

std::vector<bool> continuations(const Vocab& vocab) {
  std::vector<bool> is_continuation;
  for (int32_t i = 0; i < vocab.size(); ++i) is_continuation.push_back(vocab.token(i).starts_with("##"));
  return is_continuation;
}

}  // namespace

class PretrainingMaker {
 public:
  PretrainingMaker(const PretrainingDocuments& documents, const Vocab& vocab,
                   const PretrainingOptions& options, PythonRandom& random, PretrainingInstances& out)
      : documents_(documents),
        vocab_(vocab),
        options_(options),
        random_(random),
        out_(out),
        replacements_(replacements(vocab, options.exclude_special_tokens)),
        is_continuation_(continuations(vocab)) {}

  void run() {
    for (int64_t i = 0; i < documents_.size(); ++i) order_.push_back(i);
    random_.shuffle(order_);
    for (int32_t round = 0; round < options_.dupe_factor; ++round) {
      for (int64_t i = 0; i < documents_.size(); ++i) add_document(i);
    }
    random_.shuffle(out_.entries_);
  }

 private:
  // Sentences [begin, end) of the documents' list.
  struct Range {
    int64_t begin, end;
  };

  Range document(int64_t i) const {
    const auto at = static_cast<size_t>(order_[static_cast<size_t>(i)]);
    return {documents_.documents[at], documents_.documents[at + 1]};
  }

  int64_t start(int64_t sentence) const { return documents_.sentences[static_cast<size_t>(sentence)]; }

  Tokens text(int64_t begin, int64_t end) const {
    return Tokens(documents_.tokens)
        .subspan(static_cast<size_t>(start(begin)), static_cast<size_t>(start(end) - start(begin)));
  }

  // Takes sentences until there are enough tokens for an example; what a random b leaves unused begins the next.
  void add_document(int64_t number) {
    const auto [first, last] = document(number);
    const int64_t most = options_.max_seq_length - 3;
    const int64_t target = random_.random() < options_.short_seq_prob ? random_.randint(2, most) : most;
    int64_t begin = first;
    for (int64_t i = first; i < last; ++i) {
      const int64_t end = i + 1;
      if (end < last && start(end) - start(begin) < target) continue;
      const int64_t count = end - begin;
      const int64_t a_end = begin + (count >= 2 ? random_.randint(1, count - 1) : 1);
      const bool is_random = count == 1 || random_.random() < 0.5;
      Tokens a = text(begin, a_end), b = text(a_end, end);
      if (is_random) {
        b = random_text(number, target - static_cast<int64_t>(a.size()));
        i = a_end - 1;
      }
      truncate(a, b, static_cast<size_t>(most));
      add_example(a, b, is_random);
      begin = i + 1;
    }
  }

  // From a random sentence of another document on, `length` tokens or more if there are such. (Ten draws that all hit
  // the same document make it stay.)
  Tokens random_text(int64_t number, int64_t length) {
    int64_t other = number;
    for (int i = 0; i < 10 && other == number; ++i) other = random_.randint(0, documents_.size() - 1);
    const auto [first, last] = document(other);
    const int64_t begin = first + random_.randint(0, last - first - 1);
    int64_t end = begin + 1;
    while (end < last && start(end) - start(begin) < length) ++end;
    return text(begin, end);
  }

  // The longer one loses a token, at its front or its back, until both fit.
  void truncate(Tokens& a, Tokens& b, size_t most) {
    while (a.size() + b.size() > most) {
      Tokens& longer = a.size() > b.size() ? a : b;
      longer = random_.random() < 0.5 ? longer.subspan(1) : longer.first(longer.size() - 1);
    }
  }

  void add_example(Tokens a, Tokens b, bool is_random_next) {
    std::vector<int32_t>& tokens = out_.tokens_;
    const size_t begin = tokens.size();
    tokens.push_back(vocab_.cls_id());
    tokens.insert(tokens.end(), a.begin(), a.end());
    tokens.push_back(vocab_.sep_id());
    tokens.insert(tokens.end(), b.begin(), b.end());
    tokens.push_back(vocab_.sep_id());
    const auto masked = static_cast<int64_t>(out_.masked_ids_.size());
    mask(std::span(tokens).subspan(begin), a.size() + 1);
    out_.entries_.push_back({static_cast<int64_t>(begin), masked, static_cast<int32_t>(tokens.size() - begin),
                             static_cast<int32_t>(a.size()) + 2,
                             static_cast<int32_t>(static_cast<int64_t>(out_.masked_ids_.size()) - masked),
                             is_random_next});
  }

  // Collects what can be masked: every token but [CLS] and [SEP], or with whole words, runs of a first piece and its
  // continuations. (Pieces that lost their beginning to truncation belong to the word before, across a [SEP] too.)
  void collect_candidates(std::span<const int32_t> tokens, size_t middle) {
    positions_.clear();
    candidates_.clear();
    for (size_t i = 1; i + 1 < tokens.size(); ++i) {
      if (i == middle) continue;
      const bool continues = options_.whole_word_mask && !candidates_.empty() &&
                             is_continuation_[static_cast<size_t>(tokens[i])];
      if (continues) {
        ++candidates_.back().count;
      } else {
        candidates_.push_back({static_cast<int32_t>(positions_.size()), 1});
      }
      positions_.push_back(static_cast<int32_t>(i));
    }
  }

  void mask(std::span<int32_t> tokens, size_t middle) {
    collect_candidates(tokens, middle);
    random_.shuffle(candidates_);
    // Half to even, as Python's round().
    const auto wanted =
        static_cast<int64_t>(std::nearbyint(static_cast<double>(tokens.size()) * options_.masked_lm_prob));
    const int64_t most = std::min<int64_t>(options_.max_predictions_per_seq, std::max<int64_t>(1, wanted));
    masked_.clear();
    for (const Candidate& candidate : candidates_) {
      const auto taken = static_cast<int64_t>(masked_.size());
      if (taken >= most) break;
      if (taken + candidate.count > most) continue;
      for (int32_t i = candidate.first; i < candidate.first + candidate.count; ++i)
        mask_one(tokens, positions_[static_cast<size_t>(i)]);
    }
    std::sort(masked_.begin(), masked_.end());
    for (const auto& [position, id] : masked_) {
      out_.masked_positions_.push_back(position);
      out_.masked_ids_.push_back(id);
    }
  }

  // [MASK] in 8 of 10 cases, the token itself or a random one in one of 10 each.
  void mask_one(std::span<int32_t> tokens, int32_t position) {
    int32_t& token = tokens[static_cast<size_t>(position)];
    masked_.emplace_back(position, token);
    if (random_.random() < 0.8) {
      token = vocab_.mask_id();
    } else if (random_.random() >= 0.5) {
      token = replacements_[static_cast<size_t>(
          random_.randint(0, static_cast<int64_t>(replacements_.size()) - 1))];
    }
  }

  const PretrainingDocuments& documents_;
  const Vocab& vocab_;
  const PretrainingOptions& options_;
  PythonRandom& random_;
  PretrainingInstances& out_;
  std::vector<int64_t> order_;  // of the documents, shuffled
  std::vector<int32_t> replacements_;
  std::vector<bool> is_continuation_;
  // Of the example at hand:
  struct Candidate {
    int32_t first, count;  // in positions_
  };
  std::vector<int32_t> positions_;
  std::vector<Candidate> candidates_;
  std::vector<std::pair<int32_t, int32_t>> masked_;  // positions and the tokens that stood there
};

PretrainingInstances::PretrainingInstances(const PretrainingDocuments& documents, const Vocab& vocab,
                                           const PretrainingOptions& options, PythonRandom& random) {
  check_options(options);
  PretrainingMaker(documents, vocab, options, random, *this).run();
}

PretrainingInstance PretrainingInstances::operator[](int64_t i) const {
  const Entry& entry = entries_[static_cast<size_t>(i)];
  const auto masked = [&](const std::vector<int32_t>& list) {
    return Tokens(list).subspan(static_cast<size_t>(entry.masked), static_cast<size_t>(entry.masked_length));
  };
  return {Tokens(tokens_).subspan(static_cast<size_t>(entry.tokens), static_cast<size_t>(entry.length)),
          entry.first_length, entry.is_random_next, masked(masked_positions_), masked(masked_ids_)};
}

int64_t PretrainingInstances::bytes_per_token(const PretrainingOptions& options) {
  // A token and its part of the sentences' ends; in an example also the masked ones and the entry. Vectors that grow
  // hold up to twice what they need.
  return 2 * (5 + 6 * int64_t{options.dupe_factor});
}

std::vector<DatasetColumn> pretraining_record_columns() {
  return {{"input_ids"},
          {"input_mask"},
          {"segment_ids"},
          {"next_sentence_labels"},
          {"masked_lm_positions"},
          {"masked_lm_ids"},
          {"masked_lm_weights", true}};
}

void make_pretraining_record(const PretrainingInstance& instance, const PretrainingOptions& options,
                             DatasetRow& row) {
  const auto length = static_cast<size_t>(options.max_seq_length),
             predictions = static_cast<size_t>(options.max_predictions_per_seq);
  const size_t used = instance.tokens.size(), masked = instance.masked_ids.size();
  row.resize(7);
  const auto fill = [](std::vector<int32_t>& column, Tokens values, size_t size) {
    column.assign(values.begin(), values.end());
    column.resize(size, 0);
  };
  fill(row[0].ints, instance.tokens, length);
  row[1].ints.assign(used, 1);
  row[1].ints.resize(length, 0);
  row[2].ints.assign(static_cast<size_t>(instance.first_length), 0);
  row[2].ints.resize(used, 1);
  row[2].ints.resize(length, 0);
  row[3].ints.assign(1, instance.is_random_next ? 1 : 0);
  fill(row[4].ints, instance.masked_positions, predictions);
  fill(row[5].ints, instance.masked_ids, predictions);
  row[6].floats.assign(masked, 1.0F);
  row[6].floats.resize(predictions, 0.0F);
}

}  // namespace gradus
