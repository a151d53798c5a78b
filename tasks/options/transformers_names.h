// The options of transformers' scripts, run_ner.py, run_glue.py, run_qa.py and run_mlm.py, and of its TrainingArguments: what to give
// here instead. Those that mean the same here are other names of ours (Option::alias); the rest is answered from one table.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

class Options;

struct TransformersName {
  std::string_view name;  // "fp16"; "hub_*": all that begin so
  // Of a program that has no such option: ours, "--compute_type fp16" and what differs, or why there is none.
  std::string_view answer = {};
  // Of one that has it: what is otherwise than there. For the page alone.
  std::string_view note = {};
  std::string_view programs = {};  // those the row is for, blanks between; empty: all four
};

const std::vector<TransformersName>& transformers_names();

// What to say of an option that `program` does not have, "here --compute_type fp16" or "nothing here: ...", if it is one of those.
std::optional<std::string> answer_to_transformers(std::string_view program, std::string_view name);

// The table of docs/recipes/transformers.md, in Markdown: a row for each name, and what the programs, which have their options
// declared, make of it.
std::string transformers_page(const std::vector<const Options*>& programs);

}  // namespace gradus
