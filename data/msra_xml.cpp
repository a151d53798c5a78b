#include "data/msra_xml.h"

#include <algorithm>
#include <pugixml.hpp>

#include "core/error.h"
#include "data/text_file.h"
#include "data/unicode.h"

namespace gradus {
namespace {

bool is_text(const pugi::xml_node& node) {
  return node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata;
}

std::string without_line_ends(std::string text) {
  std::erase_if(text, [](char c) { return c == '\n' || c == '\r' || c == '\t'; });
  return text;
}

class MsraXml {
 public:
  MsraXml(const std::string& path, const std::set<std::string>& class_filter) : class_filter_(class_filter) {
    data_.path = path;
    LineReader reader(path);
    for (std::string_view line; reader.next(line);) text_.append(line).append("\n");
  }

  NerData run() {
    pugi::xml_document document;
    const pugi::xml_parse_result parsed = document.load_buffer(
        text_.data(), text_.size(), pugi::parse_default | pugi::parse_ws_pcdata_single, pugi::encoding_utf8);
    check(parsed, "{}:{}: {}", data_.path, line_at(parsed.offset), parsed.description());
    for (const pugi::xml_node sentence : document.document_element().children()) {
      check(!is_text(sentence) || trimmed(without_line_ends(sentence.value())).empty(),
            "{}:{}: text outside a sentence: '{}'", data_.path, line_of(sentence),
            shown(trimmed(sentence.value()), 60));
      if (sentence.type() == pugi::node_element) add_sentence(sentence);
    }
    check(!data_.sentences.empty(), "{}: no sentence: expected elements of phrases in the outermost element",
          data_.path);
    return std::move(data_);
  }

 private:
  void add_sentence(const pugi::xml_node& element) {
    line_ = line_of(element);
    NerSentence& sentence = data_.sentences.emplace_back();
    for (const pugi::xml_node phrase : element.children()) {
      if (is_text(phrase)) add_text(sentence, phrase.value(), "");
      // An entity may be a phrase by itself.
      if (phrase.attribute("TYPE")) {
        add_entity(sentence, phrase);
        continue;
      }
      for (const pugi::xml_node part : phrase.children()) {
        if (is_text(part)) add_text(sentence, part.value(), "");
        if (part.type() == pugi::node_element) add_entity(sentence, part);
      }
    }
    if (sentence.words.empty()) data_.sentences.pop_back();
  }

  void add_entity(NerSentence& sentence, const pugi::xml_node& element) {
    const std::string_view type = element.attribute("TYPE").value();
    check(!type.empty() && type.find_first_of(" \t\r\n") == std::string_view::npos,
          "{}:{}: <{}> has the TYPE '{}': expected a word", data_.path, line_of(element), element.name(),
          type);
    const bool is_entity = class_filter_.empty() || class_filter_.contains(element.name());
    std::string text;
    for (const pugi::xml_node part : element.children()) {
      check(part.type() != pugi::node_element, "{}:{}: <{}> inside <{}>: expected text alone", data_.path,
            line_of(part), part.name(), element.name());
      text += part.value();
    }
    add_text(sentence, text, is_entity ? type : "");
  }

  // Tags the characters as one entity of `type`, or O when it is empty. Line breaks are the file's, not the text's.
  void add_text(NerSentence& sentence, std::string text, std::string_view type) const {
    text = without_line_ends(std::move(text));
    const std::vector<std::string_view> characters = split_characters(text);
    for (size_t i = 0; i < characters.size(); ++i) {
      const bool first = i == 0, last = i + 1 == characters.size();
      const char* position = first && last ? "S_" : first ? "B_" : last ? "E_" : "M_";
      sentence.words.emplace_back(characters[i]);
      sentence.tags.push_back(type.empty() ? "O" : position + std::string(type));
      sentence.lines.push_back(line_);
    }
  }

  int64_t line_of(const pugi::xml_node& node) const { return line_at(node.offset_debug()); }
  // Asked for in the order of the file, but after an error.
  int64_t line_at(std::ptrdiff_t offset) const {
    const auto end = static_cast<size_t>(std::max<std::ptrdiff_t>(offset, 0));
    if (end < counted_) counted_ = static_cast<size_t>(lines_ = 0);
    lines_ += std::count(text_.begin() + static_cast<std::ptrdiff_t>(counted_),
                         text_.begin() + static_cast<std::ptrdiff_t>(std::min(end, text_.size())), '\n');
    counted_ = std::min(end, text_.size());
    return lines_ + 1;
  }

  const std::set<std::string>& class_filter_;
  std::string text_;
  NerData data_;
  int64_t line_ = 0;
  mutable size_t counted_ = 0;  // bytes of text_ whose line breaks are in lines_
  mutable int64_t lines_ = 0;
};

}  // namespace

NerData read_msra_xml(const std::string& path, const std::set<std::string>& class_filter) {
  return MsraXml(path, class_filter).run();
}

}  // namespace gradus
