#include "data/sample/sample.h"

#include <algorithm>
#include <set>
#include <span>
#include <string_view>

#include "core/error.h"
#include "core/random.h"
#include "data/sample/grammar.h"

namespace gradus {
namespace {

constexpr uint64_t sample_seed = 1;
constexpr uint32_t sample_purpose = 0x53414d50;  // "SAMP": its own sequence of random numbers
constexpr size_t train_sentences = 1000;         // per language
constexpr size_t held_out_sentences = 200;       // per language

using Words = std::vector<std::string>;

// Splits at spaces, and every character outside ASCII off as a word of its own.
Words split(std::string_view text) {
  Words words;
  bool open = false;  // whether the last word goes on
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    const std::string_view character = text.substr(i, length);
    if (character == " ") {
      open = false;
    } else if (length == 1 && open) {
      words.back() += character;
    } else {
      words.emplace_back(character);
      open = length == 1;
    }
    i += length;
  }
  return words;
}

// Splits a list of the grammar at its spaces.
Words list_items(std::string_view text) {
  Words items;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    items.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return items;
}

// Every stem with every ending, leaving out the stuttering ones.
Words products(const grammar::NameParts& parts) {
  Words names;
  for (const std::string& stem : list_items(parts.stems)) {
    for (const std::string& ending : list_items(parts.endings)) {
      if (stem != ending) names.push_back(stem + ending);
    }
  }
  return names;
}

// Surnames with one or two characters of given name.
Words chinese_people() {
  const Words given = list_items(grammar::chinese_given);
  Words names;
  for (const std::string& surname : list_items(grammar::chinese_surnames)) {
    for (const std::string& first : given) {
      const size_t short_name = names.size();
      names.push_back(surname + first);
      for (const std::string& second : given) names.push_back(names[short_name] + second);
    }
  }
  return names;
}

// The names that one part of the sample may use.
struct Names {
  Words surnames, cities, brands;
};

// A language's names and grammar.
struct Language {
  Names train, held_out;
  std::span<const std::string_view> templates;
  std::span<const grammar::WordList> lists;
  std::span<const std::string_view> places, brand_organizations, city_organizations;
  Words given_names;  // in front of surnames; none in Chinese, where `surnames` are whole names
};

// Makes sentences from a language's templates with one of its two sets of names.
class Writer {
  template <typename Container>
  const auto& pick(const Container& items) {
    return items[random_.below(static_cast<uint32_t>(items.size()))];
  }

 public:
  Writer(const Language& language, const Names& names, RandomSequence& random)
      : language_(language), names_(names), random_(random) {}

  SampleSentence sentence() {
    sentence_ = {};
    std::string_view text = pick(language_.templates);
    while (!text.empty()) {
      const size_t open = std::min(text.find('{'), text.size());
      add(text.substr(0, open), "");
      text.remove_prefix(open);
      if (text.empty()) break;
      const size_t close = text.find('}');
      fill_slot(text.substr(1, close - 1));
      text.remove_prefix(close + 1);
    }
    return std::move(sentence_);
  }

 private:
  void fill_slot(std::string_view slot) {
    if (slot == "person" || slot == "surname") {
      const bool whole = slot == "person" && !language_.given_names.empty();
      const std::string given = whole ? pick(language_.given_names) + " " : "";
      add(given + pick(names_.surnames), "PER");
    } else if (slot == "place_name") {
      add(around(pick(language_.places), pick(names_.cities)), "LOC");
    } else if (slot == "team") {
      add(pick(names_.cities), "ORG");
    } else if (slot == "organization") {
      if (random_.below(3) == 0) add(around(pick(language_.city_organizations), pick(names_.cities)), "ORG");
      else add(around(pick(language_.brand_organizations), pick(names_.brands)), "ORG");
    } else {
      const auto list = std::find_if(language_.lists.begin(), language_.lists.end(),
                                     [&](const grammar::WordList& l) { return l.name == slot; });
      check(list != language_.lists.end(), "[sample] the grammar has no list '{}'", slot);
      add(pick(list_items(list->words)), "");
    }
  }

  // The pattern with its # replaced.
  static std::string around(std::string_view pattern, const std::string& name) {
    std::string text(pattern);
    return text.replace(text.find('#'), 1, name);
  }

  // Appends words, as a name of that type unless it is empty.
  void add(std::string_view text, const std::string& type) {
    bool first = true;
    for (std::string& word : split(text)) {
      sentence_.words.push_back(std::move(word));
      sentence_.tags.push_back(type.empty() ? "O" : (first ? "B-" : "I-") + type);
      first = false;
    }
  }

  const Language& language_;
  const Names& names_;
  RandomSequence& random_;
  SampleSentence sentence_;
};

// Moves a fifth of the names, chosen at random, to the held-out part.
void share_out(Words names, RandomSequence& random, Words& train, Words& held_out) {
  random.shuffle(names);
  const auto fifth = static_cast<std::ptrdiff_t>(names.size() / 5);
  held_out.assign(names.begin(), names.begin() + fifth);
  train.assign(names.begin() + fifth, names.end());
}

Language make_language(const Words& surnames, const Words& cities, const Words& brands,
                       RandomSequence& random) {
  Language language;
  share_out(surnames, random, language.train.surnames, language.held_out.surnames);
  share_out(cities, random, language.train.cities, language.held_out.cities);
  share_out(brands, random, language.train.brands, language.held_out.brands);
  return language;
}

Language english(RandomSequence& random) {
  Language l = make_language(products(grammar::surnames), products(grammar::cities),
                             products(grammar::brands), random);
  Words train, held_out;
  share_out(products(grammar::families_and_towns), random, train, held_out);
  for (Words* names : {&l.train.surnames, &l.train.cities})
    names->insert(names->end(), train.begin(), train.end());
  for (Words* names : {&l.held_out.surnames, &l.held_out.cities}) {
    names->insert(names->end(), held_out.begin(), held_out.end());
  }
  l.templates = grammar::english_templates;
  l.lists = grammar::english_lists;
  l.places = grammar::english_places;
  l.brand_organizations = grammar::brand_organizations;
  l.city_organizations = grammar::city_organizations;
  l.given_names = list_items(grammar::given_names);
  return l;
}

Language chinese(RandomSequence& random) {
  Language l = make_language(chinese_people(), products(grammar::chinese_cities),
                             products(grammar::chinese_brands), random);
  l.templates = grammar::chinese_templates;
  l.lists = grammar::chinese_lists;
  l.places = grammar::chinese_places;
  l.brand_organizations = grammar::chinese_brand_organizations;
  l.city_organizations = grammar::chinese_city_organizations;
  return l;
}

// Appends `count` sentences that were not there before.
void write_sentences(Writer writer, size_t count, std::set<Words>& seen,
                     std::vector<SampleSentence>& target) {
  for (size_t made = 0; made < count;) {
    SampleSentence sentence = writer.sentence();
    if (!seen.insert(sentence.words).second) continue;
    target.push_back(std::move(sentence));
    ++made;
  }
}

// Collects word pieces in order of first mention.
class VocabularyWriter {
 public:
  void add(const std::string& piece) {
    if (seen_.insert(piece).second) pieces_.push_back(piece);
  }
  void add_all(const Words& pieces, const std::string& before = "") {
    for (const std::string& piece : pieces) add(before + piece);
  }
  // The words of a text with slots, leaving out the slots.
  void add_words(std::string_view text) {
    while (!text.empty()) {
      const size_t open = std::min(text.find_first_of("{#"), text.size());
      add_all(split(text.substr(0, open)));
      text.remove_prefix(open);
      if (text.empty()) break;
      text.remove_prefix(text[0] == '#' ? 1 : text.find('}') + 1);
    }
  }
  void add_language(const Language& language) {
    for (const auto& patterns :
         {language.templates, language.places, language.brand_organizations, language.city_organizations}) {
      for (const std::string_view pattern : patterns) add_words(pattern);
    }
    for (const grammar::WordList& list : language.lists) add_words(list.words);
    add_all(language.given_names);
  }
  Words take() { return std::move(pieces_); }

 private:
  std::set<std::string> seen_;
  Words pieces_;
};

Words make_vocabulary(const Language& english, const Language& chinese) {
  VocabularyWriter vocabulary;
  vocabulary.add_all({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"});
  for (const std::string before : {"", "##"}) {
    for (char c = '!'; c <= '~'; ++c) vocabulary.add(before + c);
  }
  vocabulary.add_language(english);
  for (const auto& parts :
       {grammar::surnames, grammar::cities, grammar::families_and_towns, grammar::brands}) {
    vocabulary.add_all(list_items(parts.stems));
    vocabulary.add_all(list_items(parts.endings), "##");
  }
  vocabulary.add_language(chinese);
  for (const auto& list :
       {grammar::chinese_surnames, grammar::chinese_given, grammar::chinese_cities.stems,
        grammar::chinese_cities.endings, grammar::chinese_brands.stems, grammar::chinese_brands.endings}) {
    vocabulary.add_all(list_items(list));
  }
  return vocabulary.take();
}

}  // namespace

Sample make_sample() {
  RandomSequence random(sample_seed, sample_purpose);
  const Language languages[] = {english(random), chinese(random)};
  Sample sample;
  std::set<Words> seen;
  for (const Language& language : languages) {
    write_sentences(Writer(language, language.train, random), train_sentences, seen, sample.train);
    write_sentences(Writer(language, language.held_out, random), held_out_sentences, seen, sample.held_out);
  }
  sample.vocabulary = make_vocabulary(languages[0], languages[1]);
  return sample;
}

}  // namespace gradus
