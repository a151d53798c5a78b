#include "nn/checkpoints/pytorch_storages.h"

#include <algorithm>
#include <array>
#include <span>

#include "core/error.h"
#include "core/io/bytes.h"
#include "nn/checkpoints/tensor_entry.h"

namespace gradus {
namespace {

using Kind = PickleValue::Kind;

constexpr size_t most_dimensions = 64;  // PyTorch's own bound

// What PyTorch calls a type of numbers: as a storage, and by itself.
struct Type {
  std::string_view storage, name, ours;
};
constexpr auto types = std::to_array<Type>({{"torch.FloatStorage", "torch.float32", "F32"},
                                            {"torch.HalfStorage", "torch.float16", "F16"},
                                            {"torch.BFloat16Storage", "torch.bfloat16", "BF16"},
                                            {"torch.DoubleStorage", "torch.float64", "F64"},
                                            {"torch.LongStorage", "torch.int64", "I64"},
                                            {"torch.IntStorage", "torch.int32", "I32"},
                                            {"torch.ShortStorage", "torch.int16", "I16"},
                                            {"torch.CharStorage", "torch.int8", "I8"},
                                            {"torch.ByteStorage", "torch.uint8", "U8"},
                                            {"torch.BoolStorage", "torch.bool", "BOOL"},
                                            {"", "torch.uint16", "U16"},
                                            {"", "torch.uint32", "U32"},
                                            {"", "torch.uint64", "U64"}});

// A storage of bytes, whose type the tensor has.
constexpr std::string_view untyped_storage = "torch.storage.UntypedStorage";

constexpr std::string_view plain = "torch._utils._rebuild_tensor", second = "torch._utils._rebuild_tensor_v2",
                           third = "torch._utils._rebuild_tensor_v3",
                           parameter = "torch._utils._rebuild_parameter",
                           parameter_with_state = "torch._utils._rebuild_parameter_with_state",
                           from_type = "torch._tensor._rebuild_from_type_v2";
constexpr auto makers =
    std::to_array<std::string_view>({plain, second, third, parameter, parameter_with_state, from_type});

constexpr auto others = std::to_array<std::string_view>(
    {"collections.OrderedDict", "builtins.set", "__builtin__.set", "_codecs.encode", "torch.Size",
     "torch.device", "torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer",
     untyped_storage});

std::vector<std::string_view> allowed_names() {
  std::vector<std::string_view> names(makers.begin(), makers.end());
  names.insert(names.end(), others.begin(), others.end());
  for (const Type& type : types) {
    if (!type.storage.empty()) names.push_back(type.storage);
    names.push_back(type.name);
  }
  return names;
}

// The type that a storage's class or a type's name stands for.
std::string_view dtype_of(std::string_view name) {
  const auto* found = std::ranges::find_if(
      types, [&](const Type& type) { return type.name == name || type.storage == name; });
  return found == types.end() ? "" : found->ours;
}

int64_t bytes_of(std::string_view dtype) {
  return dtype.empty() ? 1 : element_types[element_type_rank(dtype)].bytes;
}

const PickleValue& expect(const PickleValue& value, Kind kind, const std::string& where,
                          std::string_view what) {
  check(value.kind == kind, "{}: {} is {}, expected {}", where, what, name_of(value.kind), name_of(kind));
  return value;
}

int64_t count_of(const PickleValue& value, const std::string& where, std::string_view what) {
  const int64_t count = expect(value, Kind::integer, where, what).integer;
  check(count >= 0, "{}: {} is {}, expected 0 or more", where, what, count);
  return count;
}

std::vector<int64_t> counts_of(const PickleValue& value, const std::string& where, std::string_view what) {
  const auto& items = expect(value, Kind::tuple, where, what).items;
  check(items.size() <= most_dimensions, "{}: {} has {} dimensions, expected at most {}", where, what,
        items.size(), most_dimensions);
  std::vector<int64_t> counts;
  for (const PickleValue* item : items) counts.push_back(count_of(*item, where, what));
  return counts;
}

std::string_view callee_of(const PickleValue& call) { return call.items[0]->text; }

// A call that makes a tensor of a storage, without those that make something else of that tensor.
struct Call {
  std::string_view name;
  std::span<const PickleValue* const> arguments;
};

Call innermost(const PickleValue& value, const std::string& where) {
  Call call{callee_of(value), value.items[1]->items};
  const auto need = [&](size_t count) {
    check(call.arguments.size() >= count, "{}: {} has {} arguments, expected {}", where, call.name,
          call.arguments.size(), count);
  };
  while (true) {
    if (call.name == parameter || call.name == parameter_with_state) {
      need(1);
      const PickleValue& data = *call.arguments[0];
      check(is_tensor(data), "{}: a parameter of {}, expected a tensor", where, name_of(data.kind));
      call = {callee_of(data), data.items[1]->items};
    } else if (call.name ==
               from_type) {  // the function, the class, the function's arguments, what else there is
      need(3);
      const PickleValue& function = expect(*call.arguments[0], Kind::global, where, "what makes it");
      check(std::ranges::find(makers, function.text) != makers.end(), "{}: made by {}, expected a tensor",
            where, function.text);
      call = {function.text, expect(*call.arguments[2], Kind::tuple, where, "what it is made of").items};
    } else {
      need(call.name == plain ? 4 : call.name == second ? 6 : 7);
      return call;
    }
  }
}

// Throws Error unless every element of the view is in a storage of so many.
void check_bounds(const PyTorchStorages::View& view, int64_t elements, const std::string& where) {
  if (std::ranges::find(view.shape, 0) != view.shape.end()) return;
  int64_t last = view.offset;
  bool fits = true;
  for (size_t i = 0; i < view.shape.size(); ++i) {
    int64_t step = 0;
    fits = fits && !__builtin_mul_overflow(view.shape[i] - 1, view.strides[i], &step) &&
           !__builtin_add_overflow(last, step, &last);
  }
  check(fits && last < elements,
        "{}: shape {} with strides {} from element {} on leaves its storage, which has {} elements", where,
        shape_text(view.shape), shape_text(view.strides), view.offset, elements);
}

}  // namespace

Pickle::Names pytorch_names() {
  static const std::vector<std::string_view> allowed = allowed_names();
  return {
      allowed,
      "nothing but tensors (torch._utils._rebuild_tensor_v2, _rebuild_parameter and the like), their "
      "storages "
      "(torch.FloatStorage and so on), torch.Size, torch.device, types of numbers, OrderedDict and set: save "
      "the weights alone, torch.save(model.state_dict(), ...)"};
}

bool is_tensor(const PickleValue& value) {
  return value.kind == Kind::call && std::ranges::find(makers, callee_of(value)) != makers.end();
}

PyTorchStorages::PyTorchStorages(const Pickle& pickle, std::string path) : path_(std::move(path)) {
  for (const PickleValue* value : pickle.persistent()) {
    const std::string where = fmt::format("{}: pickle, byte {}: a storage", path_, value->place);
    // "storage", its class, its key, its device, its elements; in older files whether it is a part of another one.
    const auto& note = expect(*value->items[0], Kind::tuple, where, "its description").items;
    check(note.size() == 5 || note.size() == 6, "{}: described by {} values, expected 5 or 6", where,
          note.size());
    check(expect(*note[0], Kind::text, where, "its kind").text == "storage", "{}: its kind is '{}'", where,
          note[0]->text.substr(0, 100));
    const std::string_view type = expect(*note[1], Kind::global, where, "its class").text;
    const Storage storage{dtype_of(type), count_of(*note[4], where, "the number of its elements"), {}};
    check(type.ends_with("Storage"), "{}: its class is {}", where, type);
    check(note.size() == 5 || note[5]->kind == Kind::none,
          "{}: a part of another storage, which is not supported", where);
    const auto [place, is_new] =
        storages_.emplace(expect(*note[2], Kind::text, where, "its key").text, storage);
    check(is_new || (place->second.dtype == storage.dtype && place->second.elements == storage.elements),
          "{}: '{}' is described twice, as {} {} and as {} {}", where, place->first, place->second.elements,
          place->second.dtype, storage.elements, storage.dtype);
  }
}

void PyTorchStorages::find_in(const ZipArchive& archive, const std::string& prefix) {
  archive_ = &archive;
  prefix_ = prefix;
}

void PyTorchStorages::find_in(std::string_view file, size_t begin, const PickleValue& keys) {
  constexpr size_t length_bytes = 8;
  size_t at = begin;
  for (const PickleValue* key : expect(keys, Kind::list, path_, "what the storages are called").items) {
    const std::string_view name = expect(*key, Kind::text, path_, "a storage's key").text;
    const auto found = storages_.find(name);
    check(found != storages_.end() && !found->second.content, "{}: storage '{}' {}", path_, name,
          found == storages_.end() ? "belongs to no tensor" : "is there twice");
    Storage& storage = found->second;
    const uint64_t rest = file.size() - at;
    check(rest >= length_bytes, "{}: cut off before storage '{}'", path_, name);
    const uint64_t elements = little_endian(file.substr(at, length_bytes));
    check(elements == static_cast<uint64_t>(storage.elements),
          "{}: storage '{}' has {} elements, expected {}", path_, name, elements, storage.elements);
    const auto width = static_cast<uint64_t>(bytes_of(storage.dtype));
    check(elements <= (rest - length_bytes) / width,
          "{}: storage '{}' of {} elements is cut off: {} bytes follow", path_, name, elements,
          rest - length_bytes);
    storage.content = file.substr(at + length_bytes, elements * width);
    at += length_bytes + elements * width;
  }
  check(at == file.size(), "{}: {} bytes after the last storage, expected none", path_, file.size() - at);
}

std::string_view PyTorchStorages::content_of(std::string_view key, const std::string& where) {
  Storage& storage = storages_.at(key);
  if (storage.content) return *storage.content;
  check(archive_ != nullptr, "{}: its storage '{}' is not in the file", where, key);
  const ZipArchive::Entry* entry = archive_->find(fmt::format("{}data/{}", prefix_, key));
  check(entry != nullptr, "{}: its storage '{}data/{}' is not in the archive", where, prefix_, key);
  const auto width = static_cast<size_t>(bytes_of(storage.dtype));
  check(entry->content.size() % width == 0 &&
            entry->content.size() / width == static_cast<size_t>(storage.elements),
        "{}: its storage '{}' has {} bytes, expected {} elements of {}", where, entry->name,
        entry->content.size(), storage.elements, width);
  storage.content = archive_->checked_content(*entry);
  return *storage.content;
}

PyTorchStorages::View PyTorchStorages::view_of(const PickleValue& value, const std::string& where) {
  const Call call = innermost(value, where);
  const auto& arguments = call.arguments;
  const PickleValue& note = *expect(*arguments[0], Kind::persistent, where, "its storage").items[0];
  const std::string_view key = note.items[2]->text;
  View view{storages_.at(key).dtype,
            {},
            count_of(*arguments[1], where, "its offset"),
            counts_of(*arguments[2], where, "its shape"),
            counts_of(*arguments[3], where, "its strides")};
  if (call.name == third) {
    const std::string_view type = expect(*arguments[6], Kind::global, where, "its type").text;
    check(view.dtype.empty() || view.dtype == dtype_of(type), "{}: its type is {}, its storage's {}", where,
          type, view.dtype);
    view.dtype = dtype_of(type);
    check(!view.dtype.empty(), "{}: its type is {}", where, type);
  }
  check(!view.dtype.empty(), "{}: its storage has no type of numbers", where);
  const size_t last = call.name == third ? 7 : 6;
  check(call.name == plain || arguments.size() <= last ||
            (arguments[last]->kind == Kind::dict && arguments[last]->items.empty()) ||
            arguments[last]->kind == Kind::none,
        "{}: a conjugated or negated view, which is not supported", where);
  check(view.shape.size() == view.strides.size(), "{}: shape {} with strides {}", where,
        shape_text(view.shape), shape_text(view.strides));
  view.storage = content_of(key, where);
  check_bounds(view, static_cast<int64_t>(view.storage.size()) / bytes_of(view.dtype), where);
  return view;
}

}  // namespace gradus
