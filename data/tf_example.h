// tf.train.Example: named lists of numbers or strings, the usual content of a TFRecord.
//   Example { 1: Features { 1: repeated { 1: name, 2: Feature } } }
//   Feature { one of 1: BytesList, 2: FloatList, 3: Int64List }; a list { 1: repeated value }
// https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/example/feature.proto
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gradus {

struct TfFeature {
  enum class Kind : uint8_t { none, bytes, floats, ints };
  Kind kind = Kind::none;  // none: there, but without a list
  // The one that `kind` names has the values; they are views into the message.
  std::vector<std::string_view> bytes;
  std::vector<float> floats;
  std::vector<int64_t> ints;
};

std::string_view name_of(TfFeature::Kind kind);

class TfExample {
 public:
  // Reads a serialized Example, of which it keeps views. The last example's values go, their memory is used again.
  // Throws Error "<where>: byte N: ..." on what is none, a SequenceExample among them.
  void parse(std::string_view message, std::string_view where);

  // In the order of the message. Of a name that is there twice the last one counts.
  std::span<const std::pair<std::string_view, TfFeature>> features() const {
    return {features_.data(), count_};
  }
  // How many fields, of all examples so far, Example does not have: they are left out.
  int64_t unknown_fields() const { return unknown_fields_; }
  // Null when there is none of this name.
  const TfFeature* find(std::string_view name) const;

 private:
  TfFeature& cleared(std::string_view name);

  std::vector<std::pair<std::string_view, TfFeature>>
      features_;  // the first count_ of them are the example's
  size_t count_ = 0;
  int64_t unknown_fields_ = 0;
};

// Makes an Example, feature by feature; the same features give the same bytes, whatever their order.
class TfExampleWriter {
 public:
  void ints(const std::string& name, std::span<const int64_t> values);
  void ints(const std::string& name, std::span<const int32_t> values);
  void floats(const std::string& name, std::span<const float> values);
  void bytes(const std::string& name, std::span<const std::string> values);

  std::string serialize() const;

 private:
  void set(const std::string& name, uint32_t list, const std::string& content);
  std::map<std::string, std::string> features_;  // serialized, by name
};

}  // namespace gradus
