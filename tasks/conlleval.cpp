// Scores a tagged file from standard input like the Perl program conlleval.
#include <CLI/CLI.hpp>

#include <iostream>

#include "tasks/main.h"
#include "tasks/metrics/conlleval.h"

using namespace gradus;

namespace {

int run(int argc, char** argv) {
  ConllevalOptions options;
  bool latex = false;
  CLI::App app(
      "Precision, recall and F1 of the spans in a file of columns, read from standard input.\n"
      "The last two columns are the gold and the predicted tag; an empty line ends a sentence.");
  app.add_option("-d", options.delimiter, "text between two columns, \\t for a tab; default: a space");
  app.add_flag("-r", options.raw, "tags are types without B- and I-, one word a span");
  app.add_option("-o", options.outside, "tag of words outside all spans; default: O");
  app.add_flag("-l", latex, "print a LaTeX table");
  app.set_version_flag("--version", std::string(version()), "say which version this is");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_failure;
  }
  if (options.delimiter == "\\t") options.delimiter = "\t";
  std::ios::sync_with_stdio(false);
  const ConllevalResult result = conlleval(std::cin, "<stdin>", options);
  fmt::print("{}", latex ? result.latex_report() : result.report());
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
