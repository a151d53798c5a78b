#include "nn/checkpoints/pickle.h"

#include <algorithm>
#include <bit>
#include <unordered_map>

#include "core/error.h"
#include "core/io/bytes.h"

namespace gradus {
namespace {

using Kind = PickleValue::Kind;

constexpr uint64_t most_operations = 1'000'000;  // a BERT-large with an optimizer's state takes about 40,000
constexpr size_t most_name_bytes = 200;          // of a module, and of what is in it

// Instructions, by the names that Python's pickletools give them.
enum Opcode : uint8_t {
  op_mark = '(',
  op_stop = '.',
  op_pop = '0',
  op_pop_mark = '1',
  op_binbytes = 'B',
  op_short_binbytes = 'C',
  op_binfloat = 'G',
  op_binint = 'J',
  op_binint1 = 'K',
  op_binint2 = 'M',
  op_none = 'N',
  op_binpersid = 'Q',
  op_reduce = 'R',
  op_binstring = 'T',
  op_short_binstring = 'U',
  op_binunicode = 'X',
  op_empty_list = ']',
  op_append = 'a',
  op_build = 'b',
  op_global = 'c',
  op_dict = 'd',
  op_appends = 'e',
  op_binget = 'h',
  op_long_binget = 'j',
  op_list = 'l',
  op_binput = 'q',
  op_long_binput = 'r',
  op_setitem = 's',
  op_tuple = 't',
  op_setitems = 'u',
  op_empty_dict = '}',
  op_empty_tuple = ')',
  op_proto = 0x80,
  op_tuple1 = 0x85,
  op_tuple2 = 0x86,
  op_tuple3 = 0x87,
  op_newtrue = 0x88,
  op_newfalse = 0x89,
  op_long1 = 0x8a,
  op_long4 = 0x8b,
  op_short_binunicode = 0x8c,
  op_binunicode8 = 0x8d,
  op_binbytes8 = 0x8e,
  op_empty_set = 0x8f,
  op_additems = 0x90,
  op_frozenset = 0x91,
  op_stack_global = 0x93,
  op_memoize = 0x94,
  op_frame = 0x95,
  op_bytearray8 = 0x96
};

}  // namespace

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::none:
      return "None";
    case Kind::boolean:
      return "a truth value";
    case Kind::integer:
    case Kind::large_integer:
      return "a whole number";
    case Kind::real:
      return "a number";
    case Kind::text:
      return "a text";
    case Kind::bytes:
      return "bytes";
    case Kind::list:
      return "a list";
    case Kind::tuple:
      return "a tuple";
    case Kind::dict:
      return "a dict";
    case Kind::set:
      return "a set";
    case Kind::global:
      return "a function or class";
    case Kind::call:
      return "an object";
    case Kind::persistent:
      return "a storage";
  }
  return "";
}

// Python's machine of a stack and a memo. Values refer to each other, and are never copied: what a pickle takes in memory
// is bounded by its instructions.
class Pickle::Machine {
 public:
  Machine(Pickle& pickle, std::string_view file, size_t begin, const std::string& path, const Names& names)
      : pickle_(pickle), file_(file), at_(begin), path_(path), names_(names) {}

  void run() {
    while (true) {
      spend(1);
      place_ = at_;
      const auto opcode = static_cast<Opcode>(unsigned_number(1));
      if (opcode == op_stop) break;
      if (!push_value(opcode) && !fill_container(opcode) && !use_memo(opcode) && !make_object(opcode))
        wrong("instruction {:#04x}, which torch doesn't write", static_cast<unsigned>(opcode));
    }
    if (stack_.size() != 1 || !marks_.empty()) wrong("it ends with {} values, expected 1", stack_.size());
    pickle_.root_ = stack_.back();
    pickle_.end_ = at_;
  }

 private:
  template <typename... Args>
  [[noreturn]] void wrong(fmt::format_string<Args...> format, Args&&... args) const {
    fail("{}: pickle, byte {}: {}", path_, place_, fmt::format(format, std::forward<Args>(args)...));
  }

  void spend(uint64_t operations) {
    operations_ += operations;
    if (operations_ > most_operations) wrong("more than {} instructions", most_operations);
  }

  std::string_view bytes(uint64_t size) {
    if (size > file_.size() - at_) wrong("it needs {} bytes more, the file has {}", size, file_.size() - at_);
    const std::string_view read = file_.substr(at_, size);
    at_ += size;
    return read;
  }
  uint64_t unsigned_number(size_t size) { return little_endian(bytes(size)); }
  // Bytes behind their number, which takes `size` bytes.
  std::string_view counted(size_t size) { return bytes(unsigned_number(size)); }

  std::string_view line() {
    const size_t end = file_.substr(at_, most_name_bytes + 1).find('\n');
    if (end == std::string_view::npos) wrong("a name without an end in {} bytes", most_name_bytes);
    const std::string_view text = bytes(end);
    ++at_;
    return text;
  }

  PickleValue& push(Kind kind) {
    PickleValue& value = pickle_.values_.emplace_back();
    value.kind = kind;
    value.place = place_;
    stack_.push_back(&value);
    return value;
  }
  void push_text(Kind kind, std::string_view text) { push(kind).text = text; }
  void push_integer(int64_t number, Kind kind = Kind::integer) { push(kind).integer = number; }

  // Two's complement of any length.
  void push_long(std::string_view text) {
    if (text.size() > 8) return push_text(Kind::large_integer, text);
    uint64_t number = little_endian(text);
    const bool negative = !text.empty() && static_cast<signed char>(text.back()) < 0;
    if (negative && text.size() < 8) number |= ~uint64_t{0} << (8 * text.size());
    push_integer(static_cast<int64_t>(number));
  }

  // The values from the last mark on are not to be taken by what comes before it.
  size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  PickleValue& top() const {
    if (stack_.size() <= floor()) wrong("there is no value for it");
    return *stack_.back();
  }
  PickleValue& pop() {
    PickleValue& value = top();
    stack_.pop_back();
    return value;
  }
  // Takes the values behind the last mark, and the mark.
  std::vector<const PickleValue*> pop_marked() {
    if (marks_.empty()) wrong("there is no mark for it");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<const PickleValue*> values(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return values;
  }
  std::vector<const PickleValue*> pop_some(size_t count) {
    std::vector<const PickleValue*> values(count);
    for (size_t i = count; i-- > 0;) values[i] = &pop();
    return values;
  }

  PickleValue& expect(PickleValue& value, Kind kind) const {
    if (value.kind != kind) wrong("{} where {} was expected", name_of(value.kind), name_of(kind));
    return value;
  }

  bool push_value(Opcode opcode) {
    switch (opcode) {
      case op_none:
        push(Kind::none);
        break;
      case op_newtrue:
      case op_newfalse:
        push_integer(opcode == op_newtrue ? 1 : 0, Kind::boolean);
        break;
      case op_binint:
        push_integer(static_cast<int32_t>(unsigned_number(4)));
        break;
      case op_binint1:
        push_integer(static_cast<int64_t>(unsigned_number(1)));
        break;
      case op_binint2:
        push_integer(static_cast<int64_t>(unsigned_number(2)));
        break;
      case op_long1:
        push_long(counted(1));
        break;
      case op_long4:
        push_long(counted(4));
        break;
      case op_binfloat: {
        const uint64_t bits = big_endian(bytes(8));
        push(Kind::real).real = std::bit_cast<double>(bits);
        break;
      }
      case op_binunicode:
      case op_binstring:  // of Python 2
        push_text(Kind::text, counted(4));
        break;
      case op_short_binunicode:
      case op_short_binstring:
        push_text(Kind::text, counted(1));
        break;
      case op_binunicode8:
        push_text(Kind::text, counted(8));
        break;
      case op_binbytes:
        push_text(Kind::bytes, counted(4));
        break;
      case op_short_binbytes:
        push_text(Kind::bytes, counted(1));
        break;
      case op_binbytes8:
      case op_bytearray8:
        push_text(Kind::bytes, counted(8));
        break;
      default:
        return false;
    }
    return true;
  }

  void push_items(Kind kind, std::vector<const PickleValue*> items) { push(kind).items = std::move(items); }

  // Appends to the container below.
  void append(Kind kind, const std::vector<const PickleValue*>& items) {
    PickleValue& container = expect(top(), kind);
    if (kind == Kind::dict && items.size() % 2 != 0) wrong("a key without a value");
    container.items.insert(container.items.end(), items.begin(), items.end());
  }

  bool fill_container(Opcode opcode) {
    switch (opcode) {
      case op_mark:
        marks_.push_back(stack_.size());
        break;
      case op_pop:
        pop();
        break;
      case op_pop_mark:
        pop_marked();
        break;
      case op_empty_list:
        push(Kind::list);
        break;
      case op_empty_tuple:
        push(Kind::tuple);
        break;
      case op_empty_dict:
        push(Kind::dict);
        break;
      case op_empty_set:
        push(Kind::set);
        break;
      case op_tuple1:
      case op_tuple2:
      case op_tuple3:
        push_items(Kind::tuple, pop_some(static_cast<size_t>(opcode - op_tuple1) + 1));
        break;
      case op_tuple:
        push_items(Kind::tuple, pop_marked());
        break;
      case op_list:
        push_items(Kind::list, pop_marked());
        break;
      case op_frozenset:
        push_items(Kind::set, pop_marked());
        break;
      case op_dict: {
        std::vector<const PickleValue*> items = pop_marked();
        push(Kind::dict);
        append(Kind::dict, items);
        break;
      }
      case op_append:
        append(Kind::list, pop_some(1));
        break;
      case op_appends:
        append(Kind::list, pop_marked());
        break;
      case op_setitem:
        append(Kind::dict, pop_some(2));
        break;
      case op_setitems:
        append(Kind::dict, pop_marked());
        break;
      case op_additems:
        append(Kind::set, pop_marked());
        break;
      default:
        return false;
    }
    return true;
  }

  void get(uint64_t number) {
    const auto found = memo_.find(number);
    if (found == memo_.end()) wrong("nothing was noted as number {}", number);
    stack_.push_back(found->second);
  }

  bool use_memo(Opcode opcode) {
    switch (opcode) {
      case op_binput:
        memo_[unsigned_number(1)] = &top();
        break;
      case op_long_binput:
        memo_[unsigned_number(4)] = &top();
        break;
      case op_memoize:
        memo_[memo_.size()] = &top();
        break;
      case op_binget:
        get(unsigned_number(1));
        break;
      case op_long_binget:
        get(unsigned_number(4));
        break;
      default:
        return false;
    }
    return true;
  }

  void push_global(std::string_view module, std::string_view name) {
    const auto is_it = [&](std::string_view allowed) {
      return allowed.size() == module.size() + 1 + name.size() && allowed.starts_with(module) &&
             allowed[module.size()] == '.' && allowed.ends_with(name);
    };
    const auto found = std::ranges::find_if(names_.allowed, is_it);
    if (found == names_.allowed.end()) {
      wrong("it names {}.{}, which is not read: expected {}", module.substr(0, most_name_bytes),
            name.substr(0, most_name_bytes), names_.in_words);
    }
    push_text(Kind::global, *found);
  }

  // What a call gives when it makes a container; a note of it when it makes anything else.
  void push_call(PickleValue& callee, PickleValue& arguments) {
    const std::vector<const PickleValue*>& given = arguments.items;
    if (callee.text == "collections.OrderedDict") {
      push(Kind::dict);
      if (!given.empty()) append_pairs(*given[0]);
    } else if (callee.text == "builtins.set" || callee.text == "__builtin__.set") {
      push(Kind::set);
    } else {
      push_items(Kind::call, {&callee, &arguments});
    }
  }

  // Python 2 gives an OrderedDict a list of pairs.
  void append_pairs(const PickleValue& pairs) {
    spend(pairs.items.size());
    for (const PickleValue* pair : pairs.items) {
      const bool is_pair = pair->kind == Kind::list || pair->kind == Kind::tuple;
      if (!is_pair || pair->items.size() != 2) wrong("an OrderedDict of anything but pairs");
      append(Kind::dict, pair->items);
    }
  }

  bool make_object(Opcode opcode) {
    switch (opcode) {
      case op_proto: {
        const uint64_t version = unsigned_number(1);
        if (version < 2 || version > 5) wrong("protocol {}, expected 2 to 5", version);
        break;
      }
      case op_frame: {
        const uint64_t size = unsigned_number(8);
        if (size > file_.size() - at_)
          wrong("a part of {} bytes, the file has {} more", size, file_.size() - at_);
        break;
      }
      case op_global: {
        const std::string_view module = line();
        push_global(module, line());
        break;
      }
      case op_stack_global: {
        const std::string_view name = expect(pop(), Kind::text).text;
        push_global(expect(pop(), Kind::text).text, name);
        break;
      }
      case op_reduce: {
        PickleValue& arguments = expect(pop(), Kind::tuple);
        push_call(expect(pop(), Kind::global), arguments);
        break;
      }
      case op_build:  // what an object has beside its contents, as an OrderedDict's _metadata
        pop();
        top();
        break;
      case op_binpersid: {
        PickleValue& note = pop();
        push_items(Kind::persistent, {&note});
        pickle_.persistent_.push_back(stack_.back());
        break;
      }
      default:
        return false;
    }
    return true;
  }

  Pickle& pickle_;
  std::string_view file_;
  size_t at_;
  const std::string& path_;
  const Names& names_;
  size_t place_ = 0;  // of the instruction that is carried out
  uint64_t operations_ = 0;
  std::vector<PickleValue*> stack_;
  std::vector<size_t> marks_;  // numbers of values below them
  std::unordered_map<uint64_t, PickleValue*> memo_;
};

Pickle::Pickle(std::string_view file, size_t begin, const std::string& path, const Names& names) {
  Machine(*this, file, begin, path, names).run();
}

}  // namespace gradus
