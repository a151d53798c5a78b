// Questions about paragraphs of text, in the JSON form of SQuAD (Rajpurkar et al. 2016, arXiv:1606.05250; 2018,
// arXiv:1806.03822), which CMRC 2018, DRCD and XQuAD have too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace gradus {

struct SquadAnswer {
  std::string text;
  int64_t start = 0;  // in the context, in characters (code points)
};

struct SquadQuestion {
  std::string id;
  std::string text;
  int32_t context = 0;  // its index in SquadData::contexts
  std::vector<SquadAnswer> answers;
  bool is_impossible = false;  // the context does not answer it
};

struct SquadData {
  std::string path;
  std::vector<std::string> contexts;
  std::vector<SquadQuestion> questions;  // in the file's order
  bool has_impossible = false;           // version 2: some question says whether it is impossible

  // "path: question 'id'"
  std::string where(size_t question) const;
};

// Reads a file, plain or gzip: {"data": [{"paragraphs": [{"context": ..., "qas": [{"id": ..., "question": ...,
// "answers": [{"text": ..., "answer_start": ...}, ...], "is_impossible": ...}]}]}]}. Other names are left unread.
// Throws Error naming the file and "data[i].paragraphs[j].qas[k]" when something is missing or of another type, an id
// occurs twice, a question is impossible and has an answer, an answer_start lies outside the context, and when there
// is no question.
SquadData read_squad(const std::string& path);

// The same in parts, for files of any size: `use` gets paragraphs whose text has `most_bytes` or a little more, as
// soon as they are read. Apart from them memory is taken by the ids of all questions.
void read_squad(const std::string& path, int64_t most_bytes, const std::function<void(SquadData&)>& use);

}  // namespace gradus
