#include "tasks/serve/serve_options.h"

#include <limits>

#include "core/error.h"
#include "core/io/files.h"

namespace gradus {

void ServeOptions::declare(Options& options) {
  options.group("Models");
  options
      .add("model", model,
           "folder of a model that run_ner, run_classifier or run_squad has trained; NAME=FOLDER for one of "
           "several of a task; "
           "may be given again")
      .folder()
      .add_up();
  options
      .add("seq_length", seq_length,
           "tokens that are looked at together; 0: as in the program that trained it")
      .at_least(0);
  options
      .add("max_tokens", max_tokens,
           "most tokens of a text; what is longer loses its end, and the answer says so")
      .between(8, 1 << 20);
  options.add("refuse_truncation", refuse_truncation,
              "refuse such texts instead, where a request does not say \"truncate\": true");
  device.declare_device(options);
  options.add("batch_tokens", batch_tokens, "most tokens of a batch, unless one text has more")
      .between(1, 1 << 20);
  options.group("Clients");
  options.add("host", host, "address to listen on; 0.0.0.0: those of all networks");
  options.add("port", port, "port to listen on; 0: one that is free").between(0, 65535);
  options
      .add("api_key_file", api_key_file,
           "file of keys, one a line; requests then need \"Authorization: Bearer KEY\"")
      .file();
  options.add("max_queue", max_queue, "most texts that wait or are computed; more are refused with 429")
      .between(1, 1 << 24);
  options.add("max_body", max_body, "most bytes of a request, as 1M; more are refused with 413");
  options.add("max_connections", max_connections, "most clients at a time; more are refused with 503")
      .between(1, 100000);
  options
      .add("request_timeout", request_timeout,
           "seconds in which a request has to have come, and its answer been taken")
      .between(0.1, 3600);
  options.add("idle_timeout", idle_timeout, "seconds after which a connection without a request is closed")
      .between(0.1, 86400);
}

void ServeOptions::finish() const {
  check(!model.empty(), "no model: give --model FOLDER");
  for (const auto& [name, folder] : models())
    check(!folder.empty(), "--model {}: a name without a folder", model);
  const int64_t body = parse_bytes(max_body, "--max_body");
  check(body > 0 && body <= (int64_t{1} << 30), "--max_body: found '{}', expected 1 byte to 1G", max_body);
}

std::vector<std::pair<std::string, std::string>> ServeOptions::models() const {
  std::vector<std::pair<std::string, std::string>> models;
  for (const std::string& part : comma_parts(model)) {
    const size_t equals = part.find('=');
    // A name has no slash; a folder may have anything in it.
    if (equals > part.find('/') || equals == std::string::npos) models.emplace_back("", part);
    else models.emplace_back(part.substr(0, equals), part.substr(equals + 1));
  }
  return models;
}

PipelineOptions ServeOptions::pipeline() const {
  PipelineOptions options;
  options.device = device.device_target;
  options.device_id = device.device_id;
  options.threads = device.threads;
  options.compute_type = device.compute_type;
  options.batch_size = std::numeric_limits<int32_t>::max();  // the queue forms batches
  options.seq_length = seq_length;
  return options;
}

ServiceLimits ServeOptions::service_limits() const {
  return {{batch_tokens, max_queue}, max_tokens, refuse_truncation};
}

HttpLimits ServeOptions::http_limits() const {
  return {static_cast<size_t>(max_connections), static_cast<size_t>(parse_bytes(max_body, "--max_body")),
          request_timeout, idle_timeout};
}

std::vector<std::string> read_api_keys(const std::string& path) {
  std::vector<std::string> keys;
  const std::string text = read_file(path, most_file_bytes, FileKind::any);
  int64_t line = 0;
  for (size_t begin = 0; begin < text.size(); ++line) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string key = text.substr(begin, end - begin);
    begin = end + 1;
    if (key.ends_with('\r')) key.pop_back();
    if (key.empty()) continue;
    check(key.find_first_of(" \t") == std::string::npos, "{}:{}: a key with a blank, expected one key a line",
          path, line + 1);
    keys.push_back(std::move(key));
  }
  check(!keys.empty(), "{}: no key, expected one a line", path);
  return keys;
}

bool has_api_key(const std::string& authorization, const std::vector<std::string>& keys) {
  constexpr std::string_view scheme = "Bearer ";
  const std::string_view given =
      authorization.starts_with(scheme) ? std::string_view(authorization).substr(scheme.size()) : "";
  bool found = false;
  for (const std::string& key : keys) {
    unsigned char differences = key.size() == given.size() ? 0 : 1;
    for (size_t i = 0; i < key.size(); ++i)
      differences |= static_cast<unsigned char>(key[i] ^ (i < given.size() ? given[i] : '\0'));
    found = found || differences == 0;
  }
  return found;
}

}  // namespace gradus
