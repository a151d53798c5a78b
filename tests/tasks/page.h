// Reading the pages of reports.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <pugixml.hpp>
#include <string>
#include <vector>

#include "tasks/report/report.h"
#include "tests/files.h"

namespace gradus {

using Texts = std::vector<std::string>;

// A report's page that a strict parser has read, and what a test asks of it.
class Page {
 public:
  explicit Page(const Report& report) : Page(to_html(report)) {}
  explicit Page(std::string html) : html_(std::move(html)) {
    const pugi::xml_parse_result result = document_.load_buffer(
        html_.data(), html_.size(), pugi::parse_default | pugi::parse_ws_pcdata, pugi::encoding_utf8);
    REQUIRE_MESSAGE(result, result.description() << " at " << html_.substr(result.offset, 60));
    REQUIRE(document_.document_element().name() == std::string("html"));
  }

  const std::string& html() const { return html_; }
  size_t count(const char* query) const { return document_.select_nodes(query).size(); }
  // All text in the first element that the query gives.
  std::string text(const char* query) const { return text_in(document_.select_node(query).node()); }
  Texts texts(const char* query) const {
    Texts result;
    for (const pugi::xpath_node& node : document_.select_nodes(query)) result.push_back(text_in(node.node()));
    return result;
  }
  // The texts of the errors, without the labels of what is marked in them.
  Texts error_texts() const {
    Texts result;
    for (const pugi::xpath_node& error : document_.select_nodes("//ul[@class='errors']/li")) {
      std::string text;
      const char* query = "p[@class='text']//text()[not(parent::small)]";
      pugi::xpath_node_set parts = error.node().select_nodes(query);
      parts.sort();
      for (const pugi::xpath_node& part : parts) text += part.node().value();
      result.push_back(text);
    }
    return result;
  }
  bool refers_to_others() const {
    return std::ranges::any_of(
        std::array{"http", "src=", "href=", "url(", "@import", "<script", "<link", "<iframe"},
        [&](const char* reference) { return html_.find(reference) != std::string::npos; });
  }
  std::string attribute(const char* query, const char* name) const {
    return document_.select_node(query).node().attribute(name).value();
  }

 private:
  static std::string text_in(const pugi::xml_node& node) {
    std::string text = node.value();
    for (const pugi::xml_node child : node.children()) text += text_in(child);
    return text;
  }

  std::string html_;
  pugi::xml_document document_;
};

}  // namespace gradus
