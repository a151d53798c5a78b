// What is done to a text grows with its length, not with the square of it: the bytes that are asked for on the way from
// a text to what is printed of it are counted, for a text and for one twice as long.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <new>

#include "tasks/ner/predict.h"
#include "tasks/report/marked_text.h"

namespace {

std::atomic<uint64_t> bytes_asked_for{0};

}  // namespace

// All that the deletes below may be given: std::stable_sort asks in the way that does not throw.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  bytes_asked_for += size;
  return std::malloc(size == 0 ? 1 : size);
}
void* operator new(std::size_t size) {
  if (void* memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

using namespace gradus;

namespace {

uint64_t work_of(const std::function<void()>& f) {
  const uint64_t before = bytes_asked_for;
  f();
  return bytes_asked_for - before;
}

struct Text {
  std::string text;
  NerSentence sentence;
  TextWords words;
  std::vector<int32_t> tags;
  std::vector<TextSpan> spans;
};

// Words of which every second is a name; the text has three bytes a character.
Text text_of(int64_t words, const WordRules& rules) {
  Text result;
  for (int64_t i = 0; i < words; ++i) result.text += "王„x.“ ";
  result.words = cut_words(result.text, rules);
  result.sentence.words = result.words.words;
  for (size_t i = 0; i < result.words.words.size(); ++i) {
    result.tags.push_back(i % 2 == 0 ? 1 : 0);
    if (i % 2 == 0)
      result.spans.push_back({result.words.places[i].first, result.words.places[i].second, "X"});
  }
  return result;
}

}  // namespace

TEST_CASE("the work from a text to its output doubles with the text") {
  const LabelList labels({"O", "B-X"});
  const TagReader reader(labels.tags());
  for (const WordRules::Cut cut :
       {WordRules::Cut::reference, WordRules::Cut::characters, WordRules::Cut::blanks}) {
    WordRules rules;
    rules.cut = cut;
    rules.last_marks = ".“";
    rules.first_marks = "„";
    rules.ideographs_alone = true;
    const Text once = text_of(2000, rules), twice = text_of(4000, rules);
    const auto check_linear = [&](const char* what, const std::function<void(const Text&)>& f) {
      CAPTURE(what);
      const uint64_t work = work_of([&] { f(once); }), more = work_of([&] { f(twice); });
      CHECK(work > 0);
      // What grows as vectors and strings do may take a step more.
      CHECK_MESSAGE(more <= 3 * work, work << " and " << more);
    };
    check_linear("cutting", [&](const Text& t) { cut_words(t.text, rules); });
    check_linear("telling the form", [&](const Text& t) { form_of(t.text, rules); });
    for (const EntityStyle style : {EntityStyle::plain, EntityStyle::coloured, EntityStyle::json})
      check_linear("showing",
                   [&](const Text& t) { show_entities(t.text, t.words, labels, reader, t.tags, style); });
    check_linear("joining", [&](const Text& t) { join_words(t.sentence, false); });
    check_linear("marking", [&](const Text& t) { shorten(mark_text(t.text, t.spans, t.spans), 100); });
  }
  // A row of marks without an end.
  WordRules rules;
  rules.cut = WordRules::Cut::blanks;
  rules.last_marks = ".";
  const auto dots = [&](size_t count) { return work_of([&] { cut_words(std::string(count, '.'), rules); }); };
  CHECK(dots(8000) <= 3 * dots(4000));
}
