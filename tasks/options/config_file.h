// A YAML configuration file as a flat list of settings, each with the line it stands on.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

// One value of the file. Nested maps are flattened: `optimizer_cfg: {eps: 1e-6}` gives the map "optimizer_cfg"
// and the scalar "optimizer_cfg.eps".
struct ConfigEntry {
  enum class Kind : uint8_t { scalar, list, map };

  std::string path;  // keys from the outermost on, joined by dots
  Kind kind = Kind::scalar;
  int line = 0;                     // of the key, from 1
  std::vector<std::string> values;  // one for a scalar ("" for null), any number for a list, none for a map
  bool used = false;                // whether somebody has taken it
};

class ConfigFile {
 public:
  ConfigFile() = default;  // no file: no entries

  // Reads the first document. The file may hold up to three (values, help texts, allowed choices), as the
  // files of the BERT reference drivers do; the second and third have no effect here, because every program
  // has its own help and choices. Throws Error with file and line on anything that isn't such YAML.
  explicit ConfigFile(const std::string& name);

  const std::string& name() const { return name_; }
  int documents() const { return documents_; }
  std::vector<ConfigEntry>& entries() { return entries_; }
  // The entry of that path, or null.
  ConfigEntry* find(std::string_view path);
  // "file.yaml:12", for messages about an entry.
  std::string where(const ConfigEntry& entry) const;
  // Paths of the entries nobody used; a nested map of which nothing was used is named once.
  std::vector<std::string> unused() const;

 private:
  std::string name_;
  int documents_ = 0;
  std::vector<ConfigEntry> entries_;
};

}  // namespace gradus
