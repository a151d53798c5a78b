#include "nn/checkpoints/pytorch_checkpoint.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <utility>

#include "core/error.h"
#include "core/io/file_kind.h"
#include "core/joined.h"

namespace gradus {
namespace {

using namespace std::string_view_literals;
using Kind = PickleValue::Kind;

constexpr auto zip_mark = "PK\x03\x04"sv;
// A whole number of ten bytes, the lowest first.
constexpr auto magic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"sv;
constexpr int64_t version = 1001;
// Expanded views take more than their storages, which files don't need to have.
constexpr uint64_t most_expanded_bytes = uint64_t{16} << 20;

// Where programs that train keep the weights, beside what else they save.
constexpr auto weight_keys =
    std::to_array<std::string_view>({"state_dict", "model_state_dict", "model", "module"});
constexpr int most_depth = 3;

// The value of a key in a dict; of one that is there twice the last, as in Python.
const PickleValue* find(const PickleValue& dict, std::string_view key) {
  for (size_t i = dict.items.size(); i >= 2; i -= 2) {
    if (dict.items[i - 2]->kind == Kind::text && dict.items[i - 2]->text == key) return dict.items[i - 1];
  }
  return nullptr;
}

bool has_tensors(const PickleValue& dict) {
  for (size_t i = 1; i < dict.items.size(); i += 2) {
    if (is_tensor(*dict.items[i])) return true;
  }
  return false;
}

struct Weights {
  std::string key;  // where in the file's object: "model.state_dict"
  const PickleValue* dict;
};

// The dicts of tensors below `value`. Where programs keep weights counts before tensors beside that.
std::vector<Weights> weights_in(const PickleValue& value, const std::string& key, int depth) {
  if (value.kind != Kind::dict) return {};
  std::vector<Weights> found;
  for (const std::string_view inner : weight_keys) {
    const PickleValue* member = depth < most_depth ? find(value, inner) : nullptr;
    if (member == nullptr) continue;
    for (Weights& weights :
         weights_in(*member, fmt::format("{}{}{}", key, key.empty() ? "" : ".", inner), depth + 1))
      found.push_back(std::move(weights));
  }
  if (found.empty() && has_tensors(value)) found.push_back({key, &value});
  return found;
}

// The first keys of a dict, for messages.
std::string some_keys(const PickleValue& dict) {
  constexpr size_t most_keys = 8, most_bytes = 40;
  std::vector<std::string> names;
  for (size_t i = 0; i < dict.items.size() && names.size() < most_keys; i += 2) {
    const PickleValue& key = *dict.items[i];
    names.push_back(key.kind == Kind::text ? fmt::format("'{}'", key.text.substr(0, most_bytes))
                                           : std::string(name_of(key.kind)));
  }
  if (names.size() < dict.items.size() / 2) names.emplace_back("...");
  return names.empty() ? "nothing" : fmt::format("{}", joined(names, ", "));
}

const PickleValue& weights_of(const PickleValue& root, const std::string& path) {
  check(root.kind == Kind::dict, "{}: holds {}, expected a dict from names to tensors", path,
        name_of(root.kind));
  const std::vector<Weights> found = weights_in(root, "", 0);
  check(!found.empty(), "{}: a dict of {}, expected tensors, or some in a dict of the name {}", path,
        some_keys(root), joined(std::vector<std::string>(weight_keys.begin(), weight_keys.end()), ", "));
  check(found.size() == 1, "{}: tensors in '{}' and in '{}', expected one of them: save it alone", path,
        found.front().key, found.back().key);
  return *found.front().dict;
}

// Whether the elements of a view lie in a row, in its order.
bool is_in_a_row(const PyTorchStorages::View& view) {
  int64_t expected = 1;
  for (size_t i = view.shape.size(); i-- > 0;) {
    if (view.shape[i] != 1 && view.strides[i] != expected) return false;
    expected *= view.shape[i];
  }
  return true;
}

// The elements of a view that is not empty, in its order, each of `width` bytes.
void gather(const PyTorchStorages::View& view, size_t width, std::string& out) {
  const size_t rank = view.shape.size();
  std::vector<int64_t> index(rank, 0);
  int64_t element = view.offset;
  for (size_t to = 0; to < out.size(); to += width) {
    std::memcpy(out.data() + to, view.storage.data() + static_cast<size_t>(element) * width, width);
    for (size_t i = rank; i-- > 0;) {
      if (view.shape[i] == 1) continue;  // its stride may be any number
      element += view.strides[i];
      if (++index[i] < view.shape[i]) break;
      element -= view.strides[i] * view.shape[i];
      index[i] = 0;
    }
  }
}

void swap_bytes(std::string& numbers, size_t width) {
  for (size_t i = 0; i < numbers.size(); i += width)
    std::reverse(numbers.begin() + static_cast<std::ptrdiff_t>(i),
                 numbers.begin() + static_cast<std::ptrdiff_t>(i + width));
}

}  // namespace

bool is_pytorch_file(std::string_view first_bytes) {
  // Before the number is what begins a pickle, and a part of one.
  constexpr size_t most_before = 16;
  return first_bytes.starts_with(zip_mark) ||
         first_bytes.substr(0, most_before + magic.size()).find(magic) != std::string_view::npos;
}

PyTorchCheckpoint::PyTorchCheckpoint(const std::string& path) : path_(path), file_(path) {
  const std::string_view text = file_.text();
  if (!is_pytorch_file(text)) {
    check_file_kind(text, path_, "a file of torch.save");
    fail("{}: begins neither as a zip archive nor with torch's magic number, expected a file of torch.save",
         path_);
  }
  if (text.starts_with(zip_mark)) open_archive();
  else open_pickles();
}

void PyTorchCheckpoint::open_archive() {
  constexpr std::string_view pickle_name = "data.pkl";
  const ZipArchive archive(file_.text(), path_);
  const ZipArchive::Entry* described = nullptr;
  for (const ZipArchive::Entry& entry : archive.entries()) {
    if (entry.name.substr(entry.name.find('/') + 1) != pickle_name) continue;
    check(described == nullptr, "{}: '{}' and '{}' in one archive, expected one", path_,
          described == nullptr ? entry.name : described->name, entry.name);
    described = &entry;
  }
  check(described != nullptr, "{}: a zip archive without */data.pkl, expected one of torch.save", path_);
  const std::string prefix(described->name.substr(0, described->name.size() - pickle_name.size()));
  if (const ZipArchive::Entry* order = archive.find(prefix + "byteorder")) {
    check(order->content == "little" || order->content == "big",
          "{}: byteorder is '{}', expected little or big", path_, order->content.substr(0, 100));
    swapped_ = order->content == "big";
  }
  const std::string_view content = archive.checked_content(*described);
  const auto begin = static_cast<size_t>(content.data() - file_.text().data());
  const Pickle pickle(file_.text().substr(0, begin + content.size()), begin, path_, pytorch_names());
  PyTorchStorages storages(pickle, path_);
  storages.find_in(archive, prefix);
  take_tensors(pickle.root(), storages);
}

void PyTorchCheckpoint::open_pickles() {
  const std::string_view text = file_.text();
  const Pickle number(text, 0, path_, pytorch_names());
  check(number.root().text == magic, "{}: no magic number of torch.save", path_);
  const Pickle protocol(text, number.end(), path_, pytorch_names());
  check(protocol.root().kind == Kind::integer && protocol.root().integer == version,
        "{}: version {}, expected {}", path_, protocol.root().integer, version);
  // What the machine was does not matter: numbers are written with the lowest byte first.
  const Pickle machine(text, protocol.end(), path_, pytorch_names());
  const Pickle object(text, machine.end(), path_, pytorch_names());
  const Pickle keys(text, object.end(), path_, pytorch_names());
  PyTorchStorages storages(object, path_);
  storages.find_in(text, keys.end(), keys.root());
  take_tensors(object.root(), storages);
}

void PyTorchCheckpoint::take_tensors(const PickleValue& root, PyTorchStorages& storages) {
  const PickleValue& weights = weights_of(root, path_);
  std::set<std::string_view> names;
  for (size_t i = 0; i < weights.items.size(); i += 2) {
    const PickleValue &key = *weights.items[i], &value = *weights.items[i + 1];
    if (!is_tensor(value)) continue;
    check(key.kind == Kind::text, "{}: pickle, byte {}: a tensor's name is {}, expected a text", path_,
          value.place, name_of(key.kind));
    const std::string where = fmt::format("{}: tensor '{}'", path_, key.text);
    check(names.insert(key.text).second, "{}: there are two of that name", where);
    PyTorchStorages::View view = storages.view_of(value, where);
    const auto bytes = bytes_of(view, where);
    tensors_.push_back({std::string(key.text), std::string(view.dtype), std::move(view.shape), bytes});
  }
}

std::span<const std::byte> PyTorchCheckpoint::bytes_of(const PyTorchStorages::View& view,
                                                       const std::string& where) {
  const auto size = static_cast<size_t>(tensor_bytes(where, std::string(view.dtype), view.shape));
  if (size == 0) return {};
  const auto width = static_cast<size_t>(element_types[element_type_rank(view.dtype)].bytes);
  const bool swap = swapped_ && width > 1;
  if (!swap && is_in_a_row(view))
    return std::as_bytes(std::span(view.storage.substr(static_cast<size_t>(view.offset) * width, size)));
  const uint64_t most = file_.text().size() + most_expanded_bytes;
  check(size <= most - gathered_bytes_,
        "{}: shape {} is expanded from fewer numbers, {} bytes with others before it, expected at most {}",
        where, shape_text(view.shape), gathered_bytes_ + size, most);
  gathered_bytes_ += size;
  std::string& bytes = gathered_.emplace_back(size, '\0');
  gather(view, width, bytes);
  if (swap) swap_bytes(bytes, width);
  return std::as_bytes(std::span(std::as_const(bytes)));
}

}  // namespace gradus
