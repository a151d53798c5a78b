// The part of MessagePack (github.com/msgpack/msgpack/blob/master/spec.md) that MindRecord has: a map of numbers and
// strings.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gradus {

struct MsgpackValue {
  enum class Kind : uint8_t { integer, real, text } kind;
  int64_t integer = 0;
  double real = 0;
  std::string_view text;  // points into what is read
};

// Reads value after value of bytes that it does not own. Throws Error "<where>: ..." on bytes that end too early, on
// a value of another type, and on an integer above int64.
class MsgpackReader {
 public:
  MsgpackReader(std::string_view bytes, std::string_view where) : rest_(bytes), where_(where) {}

  // The number of names and values that follow by turns.
  uint64_t map_size();
  MsgpackValue value();

 private:
  std::string_view take(uint64_t length);
  uint8_t take_tag() { return static_cast<uint8_t>(take(1)[0]); }
  uint64_t number(size_t bytes);
  MsgpackValue text(uint64_t length);

  std::string_view rest_;
  std::string_view where_;
};

// Each in the fewest bytes that hold it exactly.
void append_msgpack_map(std::string& out, uint64_t size);  // below 65536
void append_msgpack(std::string& out, int64_t value);
void append_msgpack(std::string& out, double value);
void append_msgpack(std::string& out, std::string_view text);  // below 4 GiB

}  // namespace gradus
