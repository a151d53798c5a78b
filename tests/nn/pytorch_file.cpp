#include "tests/nn/pytorch_file.h"

#include <zlib.h>

#include <map>

#include "core/io/bytes.h"

namespace gradus::torch_file {

std::string text(std::string_view value) {
  std::string bytes = "X";
  append_little_endian(bytes, value.size(), 4);
  return bytes.append(value);
}

std::string number(int64_t value) {
  std::string bytes = "\x8a\x08";
  append_little_endian(bytes, static_cast<uint64_t>(value), 8);
  return bytes;
}

std::string global(std::string_view module, std::string_view name) {
  return "c" + std::string(module) + "\n" + std::string(name) + "\n";
}

std::string tuple(const std::vector<std::string>& values) {
  std::string bytes = "(";
  for (const std::string& value : values) bytes += value;
  return bytes + "t";
}

std::string numbers(std::span<const int64_t> values) {
  std::vector<std::string> texts;
  for (const int64_t value : values) texts.push_back(number(value));
  return tuple(texts);
}

static std::string filled(std::string container,
                          const std::vector<std::pair<std::string, std::string>>& members) {
  container += "(";
  for (const auto& [key, value] : members) container += text(key) + value;
  return container + "u";
}

std::string dict(const std::vector<std::pair<std::string, std::string>>& members) {
  return filled("}", members);
}

std::string ordered_dict(const std::vector<std::pair<std::string, std::string>>& members) {
  return filled(call(global("collections", "OrderedDict"), {}), members);
}

std::string call(const std::string& callee, const std::vector<std::string>& arguments) {
  return callee + tuple(arguments) + "R";
}

std::string storage(std::string_view type, std::string_view key, int64_t elements) {
  return tuple({text("storage"), global("torch", type), text(key), text("cpu"), number(elements)}) + "Q";
}

std::string tensor(const View& view) {
  return call(global("torch._utils", "_rebuild_tensor_v2"),
              {storage(view.type, view.key, view.elements), number(view.offset), numbers(view.shape),
               numbers(view.strides), "\x89", call(global("collections", "OrderedDict"), {})});
}

std::string pickle(const std::string& value, int protocol) {
  return std::string("\x80") + static_cast<char>(protocol) + value + ".";
}

namespace {

// What the header of an entry has in both of its places.
void append_common(std::string& out, const Entry& entry, std::string_view extra) {
  const uint64_t size = entry.large ? 0xffffffffU : entry.content.size();
  const uint64_t checksum =
      crc32_z(0, reinterpret_cast<const unsigned char*>(entry.content.data()), entry.content.size());
  append_little_endian(out, 0x0800, 2);  // names are UTF-8
  append_little_endian(out, 0, 2);       // stored
  append_little_endian(out, 0, 4);       // no time
  append_little_endian(out, checksum, 4);
  append_little_endian(out, size, 4);
  append_little_endian(out, size, 4);
  append_little_endian(out, entry.name.size(), 2);
  append_little_endian(out, extra.size(), 2);
}

std::string large_sizes(const Entry& entry, uint64_t place) {
  std::string extra;
  append_little_endian(extra, 1, 2);
  append_little_endian(extra, 24, 2);
  for (const uint64_t value : {uint64_t{entry.content.size()}, uint64_t{entry.content.size()}, place})
    append_little_endian(extra, value, 8);
  return extra;
}

void append_large_end(std::string& out, uint64_t entries, uint64_t size, uint64_t place) {
  const uint64_t at = out.size();
  out += "PK\x06\x06";
  append_little_endian(out, 44, 8);
  append_little_endian(out, 0x2d002d, 4);
  append_little_endian(out, 0, 8);
  for (const uint64_t value : {entries, entries, size, place}) append_little_endian(out, value, 8);
  out += "PK\x06\x07";
  append_little_endian(out, 0, 4);
  append_little_endian(out, at, 8);
  append_little_endian(out, 1, 4);
}

}  // namespace

std::string zip(const std::vector<Entry>& entries, bool large_end) {
  std::string out, directory;
  for (const Entry& entry : entries) {
    const uint64_t place = out.size();
    const std::string padding("FB\x05\0pad..", 9);  // a field that readers do not know
    out += "PK\x03\x04";
    append_little_endian(out, 0, 2);
    append_common(out, entry, padding);
    out += entry.name + padding + entry.content;
    const std::string extra = entry.large ? large_sizes(entry, place) : "";
    directory += "PK\x01\x02";
    append_little_endian(directory, 0, 4);
    append_common(directory, entry, extra);
    directory.append(10, '\0');  // no comment, the first disk, no attributes
    append_little_endian(directory, entry.large ? 0xffffffffU : place, 4);
    directory += entry.name + extra;
  }
  const uint64_t place = out.size();
  out += directory;
  if (large_end) append_large_end(out, entries.size(), directory.size(), place);
  out += "PK\x05\x06";
  append_little_endian(out, 0, 4);
  append_little_endian(out, large_end ? 0xffff : entries.size(), 2);
  append_little_endian(out, large_end ? 0xffff : entries.size(), 2);
  append_little_endian(out, large_end ? 0xffffffffU : directory.size(), 4);
  append_little_endian(out, large_end ? 0xffffffffU : place, 4);
  append_little_endian(out, 0, 2);
  return out;
}

std::string archive(const std::string& value, const Storages& storages, std::string_view byteorder) {
  std::vector<Entry> entries{{"model/data.pkl", pickle(value)}, {"model/byteorder", std::string(byteorder)}};
  for (const auto& [key, bytes] : storages) entries.push_back({"model/data/" + key, bytes});
  entries.push_back({"model/version", "3\n"});
  return zip(entries);
}

std::string legacy(const std::string& value, const Storages& storages, size_t width) {
  std::string keys = "](";
  for (const auto& [key, bytes] : storages) keys += text(key);
  std::string out = pickle("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19") + pickle(number(1001)) +
                    pickle(dict({{"little_endian", "\x88"}})) + pickle(value) + pickle(keys + "e");
  for (const auto& [key, bytes] : storages) {
    append_little_endian(out, bytes.size() / width, 8);
    out += bytes;
  }
  return out;
}

std::string archive_of(std::span<const TensorEntry> tensors) {
  const std::map<std::string, std::string> types{
      {"F32", "FloatStorage"}, {"F64", "DoubleStorage"}, {"F16", "HalfStorage"},  {"BF16", "BFloat16Storage"},
      {"I64", "LongStorage"},  {"I32", "IntStorage"},    {"I16", "ShortStorage"}, {"I8", "CharStorage"},
      {"U8", "ByteStorage"},   {"BOOL", "BoolStorage"}};
  std::vector<std::pair<std::string, std::string>> members;
  Storages storages;
  for (const TensorEntry& entry : tensors) {
    View view{types.at(entry.dtype), std::to_string(storages.size()), entry.elements(), 0, entry.shape, {}};
    view.strides.resize(view.shape.size());
    int64_t stride = 1;
    for (size_t i = view.shape.size(); i-- > 0; stride *= view.shape[i]) view.strides[i] = stride;
    members.emplace_back(entry.name, tensor(view));
    storages.emplace_back(view.key,
                          std::string(reinterpret_cast<const char*>(entry.data.data()), entry.data.size()));
  }
  return archive(ordered_dict(members), storages);
}

}  // namespace gradus::torch_file
