#include "tasks/launch/hosts.h"

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>

#include "core/error.h"
#include "core/io/checked_json.h"
#include "core/io/file_kind.h"

namespace gradus {
namespace {

constexpr size_t most_bytes = size_t{4} << 20;
constexpr int64_t most_slots = 4096;  // of a host

// Whether the launcher's command line takes the name as it is: it has its own meaning for colons, commas and more.
bool is_host_name(const std::string& name) {
  return !name.empty() && name[0] != '-' && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  });
}

constexpr const char* host_expected = "the name of a host, or its IPv4 address";

// A rank, written as a text or as a number; nothing where it is neither.
std::optional<int64_t> rank_of(const JsonField& field) {
  if (field.value().is_string()) return number_in_name(field.text());
  const std::optional<int64_t> number = field.value().whole();
  return number && *number >= 0 ? number : std::nullopt;
}

}  // namespace

std::vector<Host> read_host_file(const std::string& path) {
  const std::string text = read_file(path, most_bytes, FileKind::any);
  check_text_kind(text, path);
  std::vector<Host> hosts;
  std::map<std::string, int> lines;
  std::istringstream stream(text);
  int number = 0;
  for (std::string line; std::getline(stream, line);) {
    const std::string where = fmt::format("{}:{}", path, ++number);
    line.resize(std::min(line.find('#'), line.size()));
    for (size_t at = 0; (at = line.find('=', at)) != std::string::npos; at += 3) line.replace(at, 1, " = ");
    std::istringstream words(line);
    Host host{"", 1};
    if (!(words >> host.name)) continue;
    check(is_host_name(host.name), "{}: found '{}': expected {}", where, host.name, host_expected);
    for (std::string key, equals, value; words >> key; equals.clear(), value.clear()) {
      check((key == "slots" || key == "max_slots" || key == "max-slots") && words >> equals && equals == "=",
            "{}: found '{}' behind the host: expected slots=N", where, key);
      words >> value;
      const std::optional<int64_t> slots = number_in_name(value);
      check(slots && *slots >= 1 && *slots <= most_slots,
            "{}: found {}={}: expected a whole number from 1 to {}", where, key, value, most_slots);
      if (key == "slots")
        host.processes = *slots;  // no more than those are started on it, whatever the most is
    }
    const auto [earlier, is_new] = lines.emplace(host.name, number);
    check(is_new, "{}: found host '{}' again: expected one line for it, with slots=N (first in line {})",
          where, host.name, earlier->second);
    hosts.push_back(std::move(host));
  }
  check(!hosts.empty(), "{}: found no host: expected one a line, NAME or NAME slots=N", path);
  return hosts;
}

std::vector<Host> read_rank_table(const std::string& path) {
  const Json json = read_json(path);
  const JsonField table(json, path);
  if (const auto status = table.find("status")) status->check(status->text() == "completed", "\"completed\"");
  const JsonField list = table.at("server_list");
  const std::vector<JsonField> servers = list.items();
  list.check(!servers.empty(), "a list of one or more hosts");
  if (const auto count = table.find("server_count"))
    count->check(rank_of(*count) == static_cast<int64_t>(servers.size()),
                 fmt::format("{}, as server_list has", servers.size()));

  struct Server {
    int64_t first_rank;
    Host host;
  };
  std::vector<Server> found;
  std::map<int64_t, JsonField> ranks;
  std::map<std::string, size_t> names;
  for (const JsonField& server : servers) {
    const JsonField id = server.at("server_id");
    const std::string name = id.text();
    id.check(is_host_name(name), host_expected);
    id.check(names.emplace(name, found.size()).second, "a host that is not in the list yet");
    const JsonField devices = server.at("device");
    const std::vector<JsonField> items = devices.items();
    devices.check(!items.empty(), "a list of one or more devices");
    Server& added = found.emplace_back(Server{-1, {name, static_cast<int64_t>(items.size())}});
    for (const JsonField& device : items) {
      const JsonField field = device.at("rank_id");
      const std::optional<int64_t> rank = rank_of(field);
      field.check(rank.has_value(), "a rank, which is a whole number from 0 on");
      field.check(ranks.emplace(*rank, field).second, "a rank that no other device has");
      added.first_rank = added.first_rank < 0 ? *rank : std::min(added.first_rank, *rank);
    }
  }
  // All differ, so some are left out just where one is too high.
  const auto& [highest, field] = *ranks.rbegin();
  field.check(
      highest < static_cast<int64_t>(ranks.size()),
      fmt::format("ranks from 0 to {} without holes, for {} devices", ranks.size() - 1, ranks.size()));
  std::ranges::sort(found, {}, &Server::first_rank);
  std::vector<Host> hosts;
  for (Server& server : found) hosts.push_back(std::move(server.host));
  return hosts;
}

int64_t process_count(const std::vector<Host>& hosts) {
  int64_t count = 0;
  for (const Host& host : hosts) count += host.processes;
  return count;
}

}  // namespace gradus
