// Options of serve: answers over HTTP by trained models.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tasks/options/train_options.h"
#include "tasks/pipeline.h"
#include "tasks/serve/request_handler.h"
#include "tasks/serve/service.h"

namespace gradus {

struct ServeOptions {
  std::string model;  // a comma_list() of folders, or NAME=FOLDER
  std::string host = "127.0.0.1";
  int64_t port = 8080;
  std::string api_key_file;

  DeviceOptions device;
  int64_t seq_length = 0;

  int64_t max_tokens = 4096;
  bool refuse_truncation = false;
  int64_t batch_tokens = 2048;
  int64_t max_queue = 4096;
  std::string max_body = "1M";
  int64_t max_connections = 256;
  double request_timeout = 10;
  double idle_timeout = 75;

  void declare(Options& options);
  // Throws Error when the options, once parsed, don't fit together.
  void finish() const;

  // Name, empty where none was given, and folder of each model.
  std::vector<std::pair<std::string, std::string>> models() const;
  PipelineOptions pipeline() const;
  ServiceLimits service_limits() const;
  HttpLimits http_limits() const;
};

// The keys in a file, one a line; blank lines count for nothing. Throws Error naming the file when there is none, or one with a blank
// in it.
std::vector<std::string> read_api_keys(const std::string& path);

// Whether "Authorization: Bearer KEY" has one of the keys. It takes as long whichever byte is wrong.
bool has_api_key(const std::string& authorization, const std::vector<std::string>& keys);

}  // namespace gradus
