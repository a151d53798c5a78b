#include "tasks/options/arguments.h"

#include <CLI/CLI.hpp>

#include "core/version.h"

namespace gradus {

namespace {

void add_version(CLI::App& app) {
  app.set_version_flag("--version", std::string(version()), "say which version this is");
}

}  // namespace

Arguments::Arguments(const std::string& purpose) : app_(std::make_unique<CLI::App>(purpose)) {
  add_version(*app_);
}
Arguments::~Arguments() = default;

void Arguments::add(const std::string& name, std::string& field, const std::string& help) {
  app_->add_option(name, field, help);
}

void Arguments::add(const std::string& name, int& field, const std::string& help) {
  app_->add_option(name, field, help);
}

void Arguments::require(const std::string& name, std::string& field, const std::string& help) {
  app_->add_option(name, field, help)->required();
}

void Arguments::add_flag(const std::string& name, bool& field, const std::string& help) {
  app_->add_flag(name, field, help);
}

std::optional<int> Arguments::parse(int argc, const char* const* argv, int failure) try {
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
