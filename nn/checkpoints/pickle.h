// Reads pickles of Python as data. Of the objects in them only numbers, texts and containers are made; a call is written
// down with its arguments, and never made. Instructions: Python's pickletools, protocols 2 to 5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

struct PickleValue {
  enum class Kind : uint8_t {
    none,
    boolean,        // integer is 0 or 1
    integer,        // of up to 64 bits
    large_integer,  // text has its bytes, the lowest first
    real,
    text,
    bytes,
    list,
    tuple,
    dict,  // items: key, value, key, value, ...
    set,
    global,     // text is what it is called, "module.name"
    call,       // items: the global that would be called, the tuple of its arguments
    persistent  // items: what stands for an object that is kept elsewhere
  };
  Kind kind = Kind::none;
  size_t place = 0;  // byte of the file, for messages
  int64_t integer = 0;
  double real = 0;
  std::string_view text;  // in the file
  std::vector<const PickleValue*> items;
};

std::string_view name_of(PickleValue::Kind kind);  // "a dict", for messages

class Pickle {
 public:
  // What pickles may name, as "module.name", and the same in words, for messages.
  struct Names {
    std::span<const std::string_view> allowed;
    std::string_view in_words;
  };

  // Reads the pickle that begins at byte `begin` of the file, whose bytes have to outlive this object. Throws Error,
  // naming `path` and the byte, when it is damaged, names anything else than `names` allows, has an instruction that torch
  // doesn't write, or more than a million of them. An OrderedDict is a dict, and what else belongs to one is left out.
  Pickle(std::string_view file, size_t begin, const std::string& path, const Names& names);

  const PickleValue& root() const { return *root_; }
  size_t end() const { return end_; }  // the byte behind it
  // In their order.
  const std::vector<const PickleValue*>& persistent() const { return persistent_; }

 private:
  class Machine;

  std::deque<PickleValue> values_;
  std::vector<const PickleValue*> persistent_;
  const PickleValue* root_ = nullptr;
  size_t end_ = 0;
};

}  // namespace gradus
