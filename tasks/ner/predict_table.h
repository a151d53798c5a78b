// Tags of words in a table, which comes back with one column more.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "data/ner_table.h"
#include "data/text_file.h"
#include "tasks/ner/predict.h"
#include "tasks/ner/tagger.h"

namespace gradus {

// Gives back the rows of a table (data/ner_table.h) as they stand, with the tag of each word as one more cell, in the column
// predicted_tag; the style json gives a line for each sentence instead. Tags in the table are left alone. Delimiter, header,
// byte order mark and line ends stay; a line break within a cell is written as LF.
class NerTablePredictor {
 public:
  // Keeps references to system and tagger. `reader` reads the system's labels.
  NerTablePredictor(const NerSystem& system, const NerTagger& tagger, TagReader reader, NerColumns columns,
                    EntityStyle style, std::FILE* out)
      : system_(system),
        tagger_(tagger),
        reader_(std::move(reader)),
        columns_(std::move(columns)),
        style_(style),
        out_(out) {}

  // Tags all lines, some sentences at a time. What was taken for what is told on standard error. Throws Error as
  // NerTableReader::next() does, and when the table has such a column or no word.
  void run(LineReader& lines);

 private:
  void write(NerData& data, std::vector<NerTableRow>& rows);
  // The row with a cell more: of a word its tag.
  std::string with_cell(const NerTableRow& row, const std::string& tag) const;

  const NerSystem& system_;
  const NerTagger& tagger_;
  TagReader reader_;
  NerColumns columns_;
  EntityStyle style_;
  std::FILE* out_;
  NerCounts counts_;
  TableLayout layout_;
};

}  // namespace gradus
