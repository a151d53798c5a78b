#include "data/pretraining_instances.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "core/error.h"
#include "data/sentences.h"
#include "tests/data/files.h"
#include "tests/files.h"

using namespace gradus;

namespace {

using Sentences = std::vector<std::string_view>;

// The sentences of a text, "|" before those that begin a document.
std::vector<std::string> read_all(const std::string& path,
                                  PretrainingForm form = PretrainingForm::automatic) {
  PretrainingReader reader(path, form);
  std::vector<std::string> all;
  std::string_view sentence;
  for (bool starts = false; reader.next(sentence, starts);)
    all.push_back(fmt::format("{}{}", starts ? "|" : "", sentence));
  return all;
}

Vocab small_vocab() {
  std::vector<std::string> tokens{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (char c = 'a'; c <= 'z'; ++c) tokens.emplace_back(1, c);
  for (char c = 'a'; c <= 'z'; ++c) tokens.push_back(fmt::format("##{}", c));
  return Vocab(tokens);
}

PretrainingDocuments read_documents(const std::vector<std::string>& paths, const Vocab& vocab,
                                    int64_t most_tokens = int64_t{1} << 40) {
  const Tokenizer tokenizer(vocab, TokenizerRules::google, true);
  PretrainingText text(paths, PretrainingForm::automatic, tokenizer, 2);
  PretrainingDocuments documents;
  text.next(documents, most_tokens);
  return documents;
}

// One file that google-research/bert made.
struct Reference {
  std::string records, text, vocabulary;
  bool lower;
  PretrainingOptions options;
  uint64_t seed;
  int64_t count;
};

void compare(const std::filesystem::path& folder, const Reference& reference) {
  CAPTURE(reference.records);
  const auto vocabulary = test::shared_file("vocab/" + reference.vocabulary);
  if (!vocabulary) return;
  const Vocab vocab = Vocab::load(*vocabulary);
  const Tokenizer tokenizer(vocab, TokenizerRules::google, reference.lower);
  PretrainingText text({(folder / reference.text).string()}, PretrainingForm::sentences, tokenizer, 2);
  PretrainingDocuments documents;
  REQUIRE(text.next(documents, int64_t{1} << 40));
  PythonRandom random(reference.seed);
  const PretrainingInstances instances(documents, vocab, reference.options, random);
  const auto reader = DatasetReader::open((folder / reference.records).string(), DatasetFormat::tfrecord,
                                          pretraining_record_columns());
  DatasetRow expected, row;
  int64_t count = 0;
  for (; reader->next(expected); ++count) {
    REQUIRE(count < instances.size());
    make_pretraining_record(instances[count], reference.options, row);
    for (size_t c = 0; c < row.size(); ++c) {
      REQUIRE_MESSAGE(row[c].ints == expected[c].ints, reader->where(), " column ", c);
      REQUIRE(row[c].floats == expected[c].floats);
    }
  }
  CHECK(count == instances.size());
  if (reference.count > 0) CHECK(count == reference.count);
}

}  // namespace

TEST_CASE("pretraining examples are google-research/bert's, value by value, from the same seed") {
  const auto folder = shared_folder("formats/fixtures/pretraining_reference");
  if (folder.empty()) return;
  PretrainingOptions plain;
  compare(folder,
          {"sample_uncased_s12345.tfrecord", "sample_text.txt", "uncased.txt", true, plain, 12345, 60});
  PretrainingOptions words;
  words.max_seq_length = 64;
  words.max_predictions_per_seq = 10;
  words.dupe_factor = 3;
  words.short_seq_prob = 0.3;
  words.whole_word_mask = true;
  compare(folder, {"sample_cased_wwm_s7.tfrecord", "sample_text.txt", "cased.txt", false, words, 7, 56});
  PretrainingOptions once;
  once.dupe_factor = 1;
  compare(folder, {"zh_s1.tfrecord.gz", "zh_sentences.txt", "chinese.txt", true, once, 1, 0});
}

TEST_CASE("sentences end at full stops, not at abbreviations") {
  CHECK(split_sentences("One. Two!  \"Three?\" Four") == Sentences{"One.", "Two!", "\"Three?\"", "Four"});
  CHECK(split_sentences("Dr. Who met J. Smith in the U.S. Senate. They spoke.") ==
        Sentences{"Dr. Who met J. Smith in the U.S. Senate.", "They spoke."});
  CHECK(split_sentences("It was 3.5 m. long (see fig. 2). In 1999 ... it fell.") ==
        Sentences{"It was 3.5 m. long (see fig. 2).", "In 1999 ... it fell."});
  CHECK(split_sentences("他来了。「好！」她说？不") == Sentences{"他来了。", "「好！」", "她说？", "不"});
  CHECK(split_sentences("Really?! Yes... No.") == Sentences{"Really?!", "Yes...", "No."});
  CHECK(split_sentences("  ").empty());
  CHECK(split_sentences("a.") == Sentences{"a."});
}

TEST_CASE("pretraining text: a sentence a line, blank lines between documents") {
  const TemporaryFolder folder;
  const std::string path = folder.write("a.txt", "\n  \none\ntwo.  Three\n \xE3\x80\x80\n\nfour\n");
  CHECK(read_all(path) == std::vector<std::string>{"|one", "two.  Three", "|four"});
  CHECK(read_all(folder.write("empty.txt", "\n\n")).empty());
}

TEST_CASE("pretraining text: wikiextractor's documents without titles, in sentences") {
  const TemporaryFolder folder;
  const std::string path = folder.write("wiki_00",
                                        "<doc id=\"1\" url=\"u\" title=\"A &amp; \"B\"\">\nA &amp; \"B\"\n\n"
                                        "One. 2 &lt; 3.\nA &amp; \"B\"\n</doc>\n"
                                        "<doc id=\"2\" url=\"u\" title=\"Stub\">\nStub\n\n</doc>\n"
                                        "<doc id=\"3\">\n<b>bold</b> text.\n</doc>\n");
  CHECK(read_all(path) == std::vector<std::string>{"|One.", "2 < 3.", "A & \"B\"", "|<b>bold</b> text."});
  CHECK(read_all(path, PretrainingForm::sentences).front() ==
        "<doc id=\"1\" url=\"u\" title=\"A &amp; \"B\"\">");
  const auto refused = [&](const std::string& content, const std::string& message) {
    const std::string bad = folder.write("bad", content);
    CHECK_THROWS_WITH_AS(read_all(bad), (bad + message).c_str(), Error);
  };
  refused("<doc id=\"1\">\na\n<doc id=\"2\">\n",
          ":3: a document begins within another: expected </doc> before");
  refused("<doc id=\"1\">\n</doc>\na\n", ":3: text outside <doc> and </doc>: expected all text in such");
  refused("<doc id=\"1\">\n</doc>\n</doc>\n", ":3: </doc> without a document");
  refused("<doc id=\"1\">\na\n", ":2: the file ends within a document: no </doc>");
}

TEST_CASE("pretraining text in parts: whole documents, each sentence once") {
  const TemporaryFolder folder;
  const Vocab vocab = small_vocab();
  const Tokenizer tokenizer(vocab, TokenizerRules::google, true);
  std::string content;
  for (int d = 0; d < 50; ++d) {
    for (int s = 0; s <= d % 4; ++s) content += fmt::format("{} b c\n", static_cast<char>('a' + d % 26));
    content += "\n";
  }
  // A document longer than two parts.
  for (int s = 0; s < 30; ++s) content += "x y z\n";
  const std::string path = folder.write("a.txt", content);
  const PretrainingDocuments whole = read_documents({path}, vocab);
  CHECK(whole.size() == 51);
  for (const int64_t threads : {1, 3}) {
    PretrainingText text({path}, PretrainingForm::automatic, tokenizer, threads);
    std::vector<int32_t> tokens;
    int64_t documents = 0;
    for (PretrainingDocuments part; text.next(part, 20);) {
      CHECK(part.tokens.size() <= 42);
      tokens.insert(tokens.end(), part.tokens.begin(), part.tokens.end());
      documents += part.size();
    }
    CHECK(tokens == whole.tokens);
    CHECK(text.cut_documents() == 2);
    CHECK(documents == 51 + 2);
  }
  // As one text: the last document goes on in the next file, unless blank lines are between, in either.
  const std::string open_end = folder.write("1.txt", "a b\nc\n"),
                    closed = folder.write("2.txt", "a b\nc\n\n"), plain = folder.write("3.txt", "d\ne\n"),
                    blank_first = folder.write("4.txt", "\nd\ne\n");
  CHECK(read_documents({open_end, plain}, vocab).size() == 1);
  CHECK(read_documents({closed, plain}, vocab).size() == 2);
  CHECK(read_documents({open_end, blank_first}, vocab).size() == 2);
  CHECK(read_documents({path, folder.write("b.txt", "x\n\ny\n")}, vocab).size() == 52);
  CHECK_THROWS_AS(read_documents({path, (folder / "none").string()}, vocab), Error);
}

TEST_CASE("pretraining examples: whole words, no special tokens, lengths") {
  const TemporaryFolder folder;
  const Vocab vocab = small_vocab();
  std::string content;
  for (int s = 0; s < 400; ++s) content += s % 10 == 9 ? "\n" : "abc de f ghij kl\n";
  const PretrainingDocuments documents = read_documents({folder.write("a.txt", content)}, vocab);
  PretrainingOptions options;
  options.max_seq_length = 40;
  options.whole_word_mask = true;
  options.exclude_special_tokens = true;
  options.masked_lm_prob = 0.3;
  PythonRandom random(3);
  const PretrainingInstances instances(documents, vocab, options, random);
  REQUIRE(instances.size() > 100);
  int64_t random_next = 0, replaced = 0, masks = 0, whole = 0;
  for (int64_t i = 0; i < instances.size(); ++i) {
    const PretrainingInstance instance = instances[i];
    REQUIRE(instance.tokens.size() <= 40);
    REQUIRE(instance.tokens.size() >= 5);
    random_next += instance.is_random_next ? 1 : 0;
    CHECK(instance.tokens[0] == vocab.cls_id());
    CHECK(instance.tokens[static_cast<size_t>(instance.first_length) - 1] == vocab.sep_id());
    CHECK(instance.tokens.back() == vocab.sep_id());
    CHECK(std::is_sorted(instance.masked_positions.begin(), instance.masked_positions.end()));
    CHECK(instance.masked_ids.size() <= 12);
    for (size_t m = 0; m < instance.masked_ids.size(); ++m) {
      const int32_t now = instance.tokens[static_cast<size_t>(instance.masked_positions[m])];
      masks += now == vocab.mask_id() ? 1 : 0;
      replaced += now != vocab.mask_id() && now != instance.masked_ids[m] ? 1 : 0;
      CHECK((now == vocab.mask_id() || now > vocab.mask_id()));
      // The piece before a continuation is masked too.
      const bool continues = vocab.token(instance.masked_ids[m]).starts_with("##");
      const bool has_before = m > 0 && instance.masked_positions[m - 1] == instance.masked_positions[m] - 1;
      whole += continues && has_before ? 1 : 0;
    }
  }
  const auto part = [](int64_t count, int64_t of) {
    return static_cast<double>(count) / static_cast<double>(of);
  };
  CHECK(part(random_next, instances.size()) == doctest::Approx(0.5).epsilon(0.2));
  CHECK(part(masks, instances.masked_count()) == doctest::Approx(0.8).epsilon(0.05));
  CHECK(part(replaced, instances.masked_count()) == doctest::Approx(0.1).epsilon(0.3));
  CHECK(whole > 100);
  options.max_seq_length = 4;
  CHECK_THROWS_AS(PretrainingInstances(documents, vocab, options, random), Error);
}
