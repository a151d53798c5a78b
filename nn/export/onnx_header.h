// What an ONNX file says of itself: its metadata, and what goes in and comes out.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "nn/export/onnx.h"

namespace gradus::onnx {

struct Header {
  struct Value {
    std::string name;
    Axes axes;
  };

  std::string path;
  std::map<std::string, std::string> metadata;
  std::vector<Value> inputs, outputs;

  // The one of that name, or null.
  const Value* input(const std::string& name) const { return find(inputs, name); }
  const Value* output(const std::string& name) const { return find(outputs, name); }
  // Throws Error naming the file when there is none of that key, which export writes.
  const std::string& text(const std::string& key) const;

 private:
  static const Value* find(const std::vector<Value>& values, const std::string& name);
};

// Throws Error naming the file and the byte when it is no such file. Of the graph nothing else is looked at.
Header read_header(const std::string& path);
// The same from the bytes of a file.
Header parse_header(std::string_view bytes, const std::string& path);

}  // namespace gradus::onnx
