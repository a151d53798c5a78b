// The built-in sample: English and Chinese sentences with marked names, made from a small grammar, so that the
// programs can be tried without any download. The names of the held-out sentences never occur in the others;
// they are put together from the same stems, endings and characters, so a model has to learn what names are
// like and where they stand.
#pragma once

#include <string>
#include <vector>

namespace gradus {

// English words or Chinese characters, each with its tag: O, or B- or I- with PER, LOC or ORG.
struct SampleSentence {
  std::vector<std::string> words;
  std::vector<std::string> tags;
};

struct Sample {
  std::vector<SampleSentence> train;     // 2000, half of them English
  std::vector<SampleSentence> held_out;  // 400, half of them English
  // Word pieces for a cased tokenizer, [PAD] [UNK] [CLS] [SEP] [MASK] first: the grammar's words and characters,
  // stems and endings of names, and every letter and digit, so that no Latin word becomes [UNK].
  std::vector<std::string> vocabulary;
};

// The same sample in every run and on every machine.
Sample make_sample();

}  // namespace gradus
