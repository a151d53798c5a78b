#include "data/tf_example.h"

#include <algorithm>
#include <bit>

#include "core/io/bytes.h"
#include "core/io/protobuf.h"

namespace gradus {
namespace {

using protobuf::Field;
using protobuf::Reader;
using protobuf::Wire;

// The fields' numbers: of a Feature they are the kinds in order.
constexpr uint32_t bytes_list = 1, float_list = 2, int64_list = 3;

// An exact count keeps the memory for the numbers at what they take, however the sender meant them.
void reserve(const Field& field, TfFeature& feature) {
  if (field.wire != Wire::bytes) return;
  const auto count = std::count_if(field.bytes.begin(), field.bytes.end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  feature.ints.reserve(feature.ints.size() + static_cast<size_t>(count));
}

void parse_list(Reader list, TfFeature& feature, int64_t& unknown) {
  for (Field field; list.next(field);) {
    if (field.number != 1) {
      ++unknown;
      continue;
    }
    switch (feature.kind) {
      case TfFeature::Kind::none:
        break;
      case TfFeature::Kind::bytes:
        list.expect(field, Wire::bytes);
        feature.bytes.push_back(field.bytes);
        break;
      case TfFeature::Kind::floats:
        if (field.wire == Wire::bytes) feature.floats.reserve(feature.floats.size() + field.bytes.size() / 4);
        list.each_float(field, [&](float value) { feature.floats.push_back(value); });
        break;
      case TfFeature::Kind::ints:
        reserve(field, feature);
        list.each_varint(field, [&](uint64_t value) { feature.ints.push_back(static_cast<int64_t>(value)); });
        break;
    }
  }
}

// A second list of the same kind adds to the first one, one of another kind takes its place.
void parse_feature(Reader message, TfFeature& feature, int64_t& unknown) {
  for (Field field; message.next(field);) {
    if (field.number > int64_list) {
      ++unknown;
      continue;
    }
    const auto kind = static_cast<TfFeature::Kind>(field.number);
    if (feature.kind != kind) {
      feature.bytes.clear();
      feature.floats.clear();
      feature.ints.clear();
    }
    feature.kind = kind;
    parse_list(Reader(field, message), feature, unknown);
  }
}

}  // namespace

std::string_view name_of(TfFeature::Kind kind) {
  switch (kind) {
    case TfFeature::Kind::none:
      return "no values";
    case TfFeature::Kind::bytes:
      return "bytes";
    case TfFeature::Kind::floats:
      return "float";
    case TfFeature::Kind::ints:
      return "int64";
  }
  return "unknown";
}

void TfExample::parse(std::string_view message, std::string_view where) {
  count_ = 0;
  Reader example(message, where);
  for (Field features_field; example.next(features_field);) {
    if (features_field.number == 2)
      example.refuse(features_field,
                     "this is a tf.train.SequenceExample, whose lists of features are not read: expected "
                     "tf.train.Example");
    if (features_field.number != 1) {
      ++unknown_fields_;
      continue;
    }
    Reader features(features_field, example);
    for (Field entry_field; features.next(entry_field);) {
      if (entry_field.number != 1) {
        ++unknown_fields_;
        continue;
      }
      // The name may stand behind the feature.
      const Reader entry(entry_field, features);
      std::string_view name;
      Reader names = entry;
      for (Field field; names.next(field);) {
        unknown_fields_ += field.number > 2 ? 1 : 0;
        if (field.number != 1) continue;
        names.expect(field, Wire::bytes);
        name = field.bytes;
      }
      TfFeature& feature = cleared(name);
      Reader values = entry;
      for (Field field; values.next(field);) {
        if (field.number == 2) parse_feature(Reader(field, values), feature, unknown_fields_);
      }
    }
  }
}

const TfFeature* TfExample::find(std::string_view name) const {
  for (const auto& [known, feature] : features()) {
    if (known == name) return &feature;
  }
  return nullptr;
}

TfFeature& TfExample::cleared(std::string_view name) {
  size_t i = 0;
  while (i < count_ && features_[i].first != name) ++i;
  if (i == count_) ++count_;
  if (i == features_.size()) features_.emplace_back();
  auto& [known, feature] = features_[i];
  known = name;
  feature.kind = TfFeature::Kind::none;
  feature.bytes.clear();
  feature.floats.clear();
  feature.ints.clear();
  return feature;
}

void TfExampleWriter::set(const std::string& name, uint32_t list, const std::string& content) {
  protobuf::Writer feature;
  feature.bytes(list, content);
  features_[name] = feature.str();
}

void TfExampleWriter::ints(const std::string& name, std::span<const int64_t> values) {
  std::string packed;
  for (const int64_t value : values) protobuf::append_varint(packed, static_cast<uint64_t>(value));
  protobuf::Writer list;
  if (!values.empty()) list.bytes(1, packed);
  set(name, int64_list, list.str());
}

void TfExampleWriter::ints(const std::string& name, std::span<const int32_t> values) {
  ints(name, std::vector<int64_t>(values.begin(), values.end()));
}

void TfExampleWriter::floats(const std::string& name, std::span<const float> values) {
  std::string packed;
  for (const float value : values) append_little_endian(packed, std::bit_cast<uint32_t>(value), 4);
  protobuf::Writer list;
  if (!values.empty()) list.bytes(1, packed);
  set(name, float_list, list.str());
}

void TfExampleWriter::bytes(const std::string& name, std::span<const std::string> values) {
  protobuf::Writer list;
  for (const std::string& value : values) list.bytes(1, value);
  set(name, bytes_list, list.str());
}

std::string TfExampleWriter::serialize() const {
  protobuf::Writer features;
  for (const auto& [name, feature] : features_) {
    protobuf::Writer entry;
    entry.bytes(1, name);
    entry.bytes(2, feature);
    features.bytes(1, entry.str());
  }
  protobuf::Writer example;
  example.bytes(1, features.str());
  return example.str();
}

}  // namespace gradus
