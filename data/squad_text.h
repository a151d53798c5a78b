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
  int64_t start =
      0;  // in the context, in characters (code points); negative where nobody looked, or beyond its end
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
  std::vector<std::string> notes;        // what was left out or taken for something else, for the log

  // "path: question 'id'"
  std::string where(size_t question) const;
  // "path: ..." of each note, and of the first question as it was understood.
  std::string log() const;
};

// Reads a file, plain or gzip: {"data": [{"paragraphs": [{"context": ..., "qas": [{"id": ..., "question": ...,
// "answers": [{"text": ..., "answer_start": ...}, ...], "is_impossible": ...}]}]}]}. As other programs write it: an id
// may be a whole number, which counts as its digits; "is_impossible" a text or 0 or 1, its answers are left out; the
// answers {"text": [...], "answer_start": [...]}, where empty lists mean that there is none; "answer_start" missing or
// anywhere. Questions that have their "context" beside them may stand in "data", or be the lines of the file (the
// datasets of Hugging Face). Further names and what was left out are told in the notes.
// Throws Error naming the file and "data[i].paragraphs[j].qas[k]", or the line, when something is missing or of another
// type, an id occurs twice, and when there is no question.
SquadData read_squad(const std::string& path);

// The same in parts, for files of any size: `use` gets paragraphs whose text has `most_bytes` or a little more, as
// soon as they are read. Apart from them memory is taken by the ids of all questions. Returns the notes.
std::vector<std::string> read_squad(const std::string& path, int64_t most_bytes,
                                    const std::function<void(SquadData&)>& use);

}  // namespace gradus
