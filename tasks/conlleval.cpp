// Scores a tagged file from standard input like the Perl program conlleval.
#include <fmt/core.h>

#include <iostream>
#include <optional>

#include "tasks/main.h"
#include "tasks/metrics/conlleval.h"
#include "tasks/options/arguments.h"

using namespace gradus;

namespace {

int run(int argc, char** argv) {
  ConllevalOptions options;
  bool latex = false;
  Arguments arguments(
      "conlleval",
      "Precision, recall and F1 of the spans in a file of columns, read from standard input.\n"
      "The last two columns are the gold and the predicted tag; an empty line ends a sentence.",
      "run_ner --do_predict --load_finetune_checkpoint_path ner_finetune/ckpt < test.txt | conlleval");
  arguments.add("-d", options.delimiter, "text between two columns, \\t for a tab; default: a space");
  arguments.add_flag("-r", options.raw, "tags are types without B- and I-, one word a span");
  arguments.add("-o", options.outside, "tag of words outside all spans; default: O");
  arguments.add_flag("-l", latex, "print a LaTeX table");
  if (const std::optional<int> status = arguments.parse(argc, argv, exit_failure)) return *status;
  if (options.delimiter == "\\t") options.delimiter = "\t";
  std::ios::sync_with_stdio(false);
  const ConllevalResult result = conlleval(std::cin, "<stdin>", options);
  fmt::print("{}", latex ? result.latex_report() : result.report());
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
