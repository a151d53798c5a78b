#include "tasks/options/arguments.h"

#include <CLI/CLI.hpp>

#include "core/version.h"

namespace gradus {

Arguments::Arguments(const std::string& purpose) : app_(std::make_unique<CLI::App>(purpose)) {
  app_->set_version_flag("--version", std::string(version()), "say which version this is");
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

}  // namespace gradus
