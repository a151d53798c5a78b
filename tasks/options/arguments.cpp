#include "tasks/options/arguments.h"

#include <CLI/CLI.hpp>

#include "core/version.h"

namespace gradus {

namespace {

constexpr const char* about_help = "Print this help message and exit";
constexpr const char* about_version = "say which version this is";

void add_version(CLI::App& app) { app.set_version_flag("--version", std::string(version()), about_version); }

}  // namespace

std::vector<PageOption> own_page_options() {
  return {{{"-h", "--help"}, PageOption::Value::none, "", {}, about_help, "Options"},
          {{"--version"}, PageOption::Value::none, "", {}, about_version, "Options"}};
}

Arguments::Arguments(const std::string& program, const std::string& purpose, const std::string& example)
    : app_(std::make_unique<CLI::App>(purpose)), page_{program, purpose, example, own_page_options(), ""} {
  add_version(*app_);
  app_->footer("Example:\n  " + example);
}
Arguments::~Arguments() = default;

void Arguments::add(const std::string& name, std::string& field, const std::string& help) {
  app_->add_option(name, field, help);
  note(name, help, PageOption::Value::text);
}

void Arguments::add(const std::string& name, int& field, const std::string& help) {
  app_->add_option(name, field, help);
  note(name, help, PageOption::Value::text);
}

void Arguments::require(const std::string& name, std::string& field, const std::string& help,
                        PageOption::Value value, std::vector<std::string> values) {
  app_->add_option(name, field, help)->required();
  note(name, help, value, std::move(values));
}

void Arguments::add_flag(const std::string& name, bool& field, const std::string& help) {
  app_->add_flag(name, field, help);
  note(name, help, PageOption::Value::none);
}

void Arguments::note(const std::string& name, const std::string& help, PageOption::Value value,
                     std::vector<std::string> values) {
  const bool has_word = name.starts_with('-') && value != PageOption::Value::none;
  page_.options.push_back({{name}, value, has_word ? "TEXT" : "", std::move(values), help, "Options"});
}

std::optional<int> Arguments::parse(int argc, const char* const* argv, int failure) try {
  if (writes_pages(argc, argv, [this] { return page_; })) return 0;
  app_->parse(argc, argv);
  return std::nullopt;
} catch (const CLI::ParseError& error) {
  return app_->exit(error) == 0 ? 0 : failure;
}

std::string help_page(const std::string& purpose, const std::string& program,
                      const std::vector<HelpEntry>& entries, size_t column, const std::string& footer) {
  CLI::App app(purpose, program);
  std::string unset;
  for (const HelpEntry& entry : entries) {
    app.add_option(entry.names, unset, entry.text)->group(entry.group)->type_name(entry.placeholder);
  }
  add_version(app);
  app.get_formatter()->column_width(column);
  app.footer(footer);
  return app.help();
}

}  // namespace gradus
