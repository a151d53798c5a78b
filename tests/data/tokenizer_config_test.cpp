#include "data/tokenizer_config.h"

#include <doctest/doctest.h>

#include <sstream>

#include "core/error.h"
#include "data/word_piece.h"
#include "tests/files.h"
#include "tests/json.h"

using namespace gradus;

namespace {

const std::string usual_vocab =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nco\n##vid\nM\xC3\xB6\nm\xC3\xB6\nmo\n";

// A tokenizer.json with that vocabulary, as transformers 5 saves it.
Json tokenizer_json() {
  Json vocab;
  int id = 0;
  for (const char* token : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "co", "##vid",
                            "M\xC3\xB6", "m\xC3\xB6", "mo"})
    vocab[token] = id++;
  const auto special = [](const char* name, int type) {
    return Json{{"SpecialToken", {{"id", name}, {"type_id", type}}}};
  };
  const auto sequence = [](const char* name, int type) {
    return Json{{"Sequence", {{"id", name}, {"type_id", type}}}};
  };
  const Json single = Json::array({special("[CLS]", 0), sequence("A", 0), special("[SEP]", 0)});
  Json pair = single;
  pair.push_back(sequence("B", 1));
  pair.push_back(special("[SEP]", 1));
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"added_tokens", Json::array()},
          {"normalizer",
           {{"type", "BertNormalizer"},
            {"clean_text", true},
            {"handle_chinese_chars", true},
            {"strip_accents", nullptr},
            {"lowercase", true}}},
          {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
          {"post_processor", {{"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}}},
          {"model",
           {{"type", "WordPiece"},
            {"unk_token", "[UNK]"},
            {"continuing_subword_prefix", "##"},
            {"max_input_chars_per_word", 100},
            {"vocab", vocab}}}};
}

// A folder of a tokenizer, for one test.
struct Folder {
  TemporaryFolder folder;

  std::string path(const std::string& name) const { return (folder / name).string(); }
  // The usual vocabulary, and what is said beside it.
  void write_vocab(const Json& config) const {
    folder.write("vocab.txt", usual_vocab);
    if (!config.is_null()) write("tokenizer_config.json", config);
  }
  void write(const std::string& name, const Json& json) const { folder.write(name, json_text(json)); }
  StoredTokenizer read() const { return read_tokenizer(folder.path()); }
  // What read() says is wrong, without the folder's name.
  std::string error() const {
    std::string text = error_of([&] { read(); });
    for (size_t at = 0; (at = text.find(folder.path().string() + "/")) != std::string::npos;)
      text.erase(at, folder.path().string().size() + 1);
    return text.empty() ? "no error" : text;
  }
};

std::vector<std::string> pieces(const StoredTokenizer& stored, const std::string& text) {
  const Tokenizer tokenizer(stored.vocab, stored.config.text_rules(TokenizerRules::hf), stored.config.added);
  std::vector<std::string> result;
  for (const Piece& piece : tokenizer.tokenize(text)) result.push_back(stored.vocab.token(piece.id));
  return result;
}
using Pieces = std::vector<std::string>;

}  // namespace

TEST_CASE("a vocabulary alone says nothing of how text is cut") {
  const Folder folder;
  folder.write_vocab(nullptr);
  const StoredTokenizer stored = folder.read();
  CHECK_FALSE(stored.has_settings);
  CHECK_FALSE(stored.config.do_lower_case.has_value());
  CHECK(stored.notes.empty());
  CHECK(stored.path == folder.path("vocab.txt"));
  CHECK(stored.vocab.size() == 12);
}

TEST_CASE("the settings beside a vocabulary decide the pieces, and are there again when it is saved") {
  const Folder folder;
  folder.write_vocab({{"do_lower_case", true},
                      {"strip_accents", false},
                      {"tokenize_chinese_chars", false},
                      {"tokenizer_class", "BertTokenizerFast"},
                      {"model_max_length", 1e30},
                      {"padding_side", "left"},
                      {"name_or_path", "somewhere"},
                      {"added_tokens_decoder",
                       {{"12", {{"content", "<e1>"}, {"normalized", true}}},
                        {"7", {{"content", "co"}, {"single_word", true}}}}}});
  const StoredTokenizer stored = folder.read();
  CHECK(stored.has_settings);
  CHECK(pieces(stored, "M\xC3\xB6 mo b<E1>a covid co") ==
        Pieces{"m\xC3\xB6", "mo", "b", "<e1>", "a", "co", "##vid", "co"});
  CHECK(stored.config.str() ==
        "do_lower_case true, strip_accents false, tokenize_chinese_chars false, added tokens co (7, "
        "single_word, normalized), <e1> (12, normalized)");
  CHECK_FALSE(stored.config.model_max_length().has_value());

  const TemporaryFolder copy;
  write_tokenizer(copy.path(), stored.vocab, stored.config);
  CHECK(file_content(copy / "vocab.txt") == usual_vocab);  // <e1> is no piece of a word
  const Json saved = json_of(file_content(copy / "tokenizer_config.json"));
  CHECK(saved["tokenizer_class"] == "BertTokenizer");
  CHECK(saved["strip_accents"] == false);
  CHECK(saved["padding_side"] == "left");
  CHECK(saved["model_max_length"] == 1e30);
  CHECK_FALSE(saved.contains("name_or_path"));
  CHECK(saved["added_tokens_decoder"]["12"]["content"] == "<e1>");
  CHECK(read_tokenizer(copy.path()).config.str() == stored.config.str());
}

TEST_CASE("tokens under other names are what the files say they are") {
  Folder folder;
  folder.folder.write("vocab.txt", "<pad>\n<unk>\n<s>\n</s>\n<mask>\na\n");
  CHECK(folder.error() ==
        "vocab.txt: the token [PAD] is missing: a BERT vocabulary has [PAD] [UNK] [CLS] [SEP] [MASK]");
  folder.write("special_tokens_map.json",
               {{"pad_token", "<pad>"}, {"unk_token", "<unk>"}, {"cls_token", "<s>"}});
  folder.write("tokenizer_config.json",
               {{"sep_token", {{"__type", "AddedToken"}, {"content", "</s>"}}}, {"mask_token", "<mask>"}});
  const StoredTokenizer stored = folder.read();
  CHECK(stored.vocab.cls_id() == 2);
  CHECK(stored.vocab.sep_id() == 3);
  CHECK(pieces(stored, "a<mask> [MASK]x") == Pieces{"a", "<mask>", "<unk>", "<unk>", "<unk>", "<unk>"});
  const TemporaryFolder copy;
  write_tokenizer(copy.path(), stored.vocab, stored.config);
  CHECK(read_tokenizer(copy.path()).config.special == stored.config.special);
}

TEST_CASE("tokenizer.json stands for the vocabulary and its settings") {
  Folder folder;
  Json json = tokenizer_json();
  json["normalizer"]["strip_accents"] = false;
  json["added_tokens"].push_back(
      {{"id", 4}, {"content", "[MASK]"}, {"special", true}, {"normalized", false}});
  json["added_tokens"].push_back(
      {{"id", 12}, {"content", "<e1>"}, {"special", false}, {"normalized", false}});
  folder.write("tokenizer.json", json);
  const StoredTokenizer stored = folder.read();
  CHECK(stored.path == folder.path("tokenizer.json"));
  CHECK(stored.vocab.word_pieces() == 12);
  CHECK(stored.vocab.size() == 13);
  CHECK(pieces(stored, "M\xC3\xB6 covid <e1> <E1>") ==
        Pieces{"m\xC3\xB6", "co", "##vid", "<e1>", "[UNK]", "[UNK]", "[UNK]"});
  REQUIRE(stored.notes.size() == 1);
  CHECK(stored.notes[0].find("'strip_accents' is false, which counts") != std::string::npos);
}

TEST_CASE("where files contradict each other, what counts is told") {
  Folder folder;
  Json json = tokenizer_json();
  json["normalizer"]["lowercase"] = false;
  folder.write("tokenizer.json", json);
  folder.write("tokenizer_config.json", {{"do_lower_case", true}});
  CHECK(folder.read().config.do_lower_case == true);
  REQUIRE(folder.read().notes.size() == 1);
  CHECK(folder.read().notes[0].find("'do_lower_case' is true, ") != std::string::npos);
  CHECK(folder.read().notes[0].ends_with("'lowercase' is false: as in transformers, true counts"));
  folder.write("tokenizer_config.json",
               {{"do_lower_case", true}, {"tokenizer_class", "PreTrainedTokenizerFast"}});
  CHECK(folder.read().config.do_lower_case == false);
  folder.write("tokenizer_config.json", {{"do_lower_case", false}});
  folder.folder.write("vocab.txt", usual_vocab + "new\n");
  REQUIRE(folder.read().notes.size() == 1);
  CHECK(folder.read().vocab.size() == 12);
  CHECK(folder.read().notes[0].find("1 of its 13 pieces are not those of") != std::string::npos);
  // Asked for by name, vocab.txt is what is read.
  CHECK(read_tokenizer(folder.path("vocab.txt")).vocab.size() == 13);
}

TEST_CASE("empty lines at the end of a vocabulary are left out and told of, others are pieces") {
  Folder folder;
  folder.folder.write("vocab.txt", "[PAD]\n[UNK]\n\n[CLS]\n[SEP]\n[MASK]\na\n\r\n \n");
  const StoredTokenizer stored = folder.read();
  CHECK(stored.vocab.size() == 7);
  CHECK(stored.vocab.find("a") == 6);
  REQUIRE(stored.notes.size() == 1);
  CHECK(stored.notes[0].ends_with("vocab.txt: 2 empty lines at the end left out: no token stands there"));
  CHECK(Vocab::load(folder.path("vocab.txt")).size() == 7);
}

TEST_CASE("what cuts text in another way than BERT's tokenizer is refused by name") {
  const auto config = [](const char* key, const Json& value) {
    const Folder folder;
    folder.write_vocab({{key, value}});
    return folder.error();
  };
  CHECK(config("tokenizer_class", "RobertaTokenizerFast") ==
        "tokenizer_config.json: 'tokenizer_class' is RobertaTokenizerFast: expected BertTokenizer, other "
        "tokenizers are not supported");
  CHECK(config("tokenizer_class", "PreTrainedTokenizerFast") ==
        "tokenizer_config.json: 'tokenizer_class' is PreTrainedTokenizerFast: it needs tokenizer.json, which "
        "is "
        "not there");
  CHECK(config("tokenizer_class", "DistilBertTokenizer") == "no error");
  CHECK(config("do_basic_tokenize", false) ==
        "tokenizer_config.json: 'do_basic_tokenize' is false: expected true, other tokenizers are not "
        "supported");
  CHECK(config("do_basic_tokenize", true) == "no error");
  CHECK(config("never_split", nullptr) == "no error");
  CHECK(config("never_split", Json::array({"[CLS]", "[MASK]"})) == "no error");
  CHECK(config("never_split", "a").find("'never_split' is \"a\"") != std::string::npos);
  CHECK(config("never_split", Json::array({"ab-c"})).find("'never_split' is [\"ab-c\"]") !=
        std::string::npos);
  CHECK(config("wordpieces_prefix", "@@").find("'wordpieces_prefix' is \"@@\"") != std::string::npos);
  CHECK(config("truncation_side", "left").find("'truncation_side' is \"left\"") != std::string::npos);
  CHECK(config("do_lower_case", "yes") ==
        "tokenizer_config.json: 'do_lower_case' is \"yes\": expected true or false");
  CHECK(config("strip_accents", 1) ==
        "tokenizer_config.json: 'strip_accents' is 1: expected true, null or false");
  CHECK(config("auto_map", {{"AutoTokenizer", Json::array({"x.Y", nullptr})}}).find("'auto_map'") !=
        std::string::npos);
  CHECK(config("added_tokens_decoder", {{"40", {{"content", "<e1>"}}}})
            .ends_with(
                "the added token '<e1>' has the number 40: expected 12, the next one behind the vocabulary"));
  CHECK(config("added_tokens_decoder", {{"3", {{"content", "a"}}}})
            .ends_with("the added token 'a' has the number 3: expected 5, that of the vocabulary"));
  CHECK(config("added_tokens_decoder", {{"-1", {{"content", "a"}}}}).find("the number -1") !=
        std::string::npos);
  CHECK(config("added_tokens_decoder", {{"12", {{"contents", "a"}}}}).find("expected a token") !=
        std::string::npos);
  CHECK(config("additional_special_tokens", Json::array({1})).find("'additional_special_tokens' has 1") !=
        std::string::npos);
  const Folder folder;
  folder.write_vocab(nullptr);
  folder.folder.write("tokenizer_config.json", "{");
  CHECK(folder.error().starts_with("tokenizer_config.json: invalid JSON"));
  folder.folder.write("tokenizer_config.json", "[]");
  CHECK(folder.error() == "tokenizer_config.json: the JSON is of type array, expected an object");
}

TEST_CASE("a tokenizer.json of another tokenizer is refused by the name of what differs") {
  const auto error = [](const char* pointer, const Json& value) {
    const Folder folder;
    Json json = tokenizer_json();
    Json* place = &json;
    std::istringstream names(pointer + 1);
    for (std::string name; std::getline(names, name, '/');)
      place = place->is_array() ? &place->at(std::stoul(name)) : &(*place)[name];
    *place = value;
    folder.write("tokenizer.json", json);
    return folder.error();
  };
  CHECK(error("/version", "1.0") == "no error");
  CHECK(error("/truncation", {{"max_length", 128}}) == "no error");
  CHECK(error("/post_processor", nullptr) == "no error");
  CHECK(error("/post_processor", {{"type", "BertProcessing"},
                                  {"sep", Json::array({"[SEP]", 3})},
                                  {"cls", Json::array({"[CLS]", 2})}}) == "no error");
  CHECK(error("/normalizer", {{"type", "Sequence"},
                              {"normalizers", Json::array({tokenizer_json()["normalizer"]})}}) == "no error");
  CHECK(error("/model/type", "BPE") ==
        "tokenizer.json: the model's 'type' is \"BPE\": expected \"WordPiece\", other tokenizers are not "
        "supported");
  CHECK(error("/model/continuing_subword_prefix", "@@").find("'continuing_subword_prefix' is \"@@\"") !=
        std::string::npos);
  CHECK(error("/model/max_input_chars_per_word", 50).find("'max_input_chars_per_word' is 50: expected 100") !=
        std::string::npos);
  CHECK(error("/normalizer", {{"type", "Lowercase"}}) ==
        "tokenizer.json: 'normalizer' is {\"type\":\"Lowercase\"}: expected BertNormalizer, others are not "
        "supported");
  CHECK(error("/normalizer", nullptr).starts_with("tokenizer.json: 'normalizer' is null"));
  CHECK(error("/normalizer/clean_text", false).find("'clean_text'") != std::string::npos);
  CHECK(error("/normalizer/lowercase", nullptr).find("'lowercase' of the normalizer is null") !=
        std::string::npos);
  CHECK(error("/pre_tokenizer/type", "Whitespace").find("'pre_tokenizer' is") != std::string::npos);
  CHECK(error("/post_processor/type", "RobertaProcessing").find("'post_processor' is") != std::string::npos);
  CHECK(error("/post_processor/single", Json::array()).find("puts sequences together as \"\"") !=
        std::string::npos);
  CHECK(error("/post_processor/single", Json::array({Json::object()})).find("'post_processor' is") !=
        std::string::npos);
  CHECK(error("/post_processor/pair/4/SpecialToken/type_id", 0).find("B:1 [SEP]:0") != std::string::npos);
  CHECK(error("/model/vocab/a", 12).find("the token 'a' has the number 12") != std::string::npos);
  CHECK(error("/model/vocab/a", 6).find("has the number 6: expected each from 0 to 11 once") !=
        std::string::npos);
  CHECK(error("/model/vocab", Json::array()).find("'vocab' is of type array") != std::string::npos);
  CHECK(error("/model", nullptr).find("'model' is null") != std::string::npos);
  CHECK(error("/added_tokens", Json::array({{{"content", "x"}}})).find("an added token has the number") !=
        std::string::npos);
}

TEST_CASE("a folder without a vocabulary says what there is instead") {
  Folder folder;
  CHECK(folder.error() ==
        "cannot open 'vocab.txt': expected a vocabulary there, or tokenizer.json with a WordPiece model "
        "beside it");
  folder.folder.write("merges.txt", "");
  CHECK(
      folder.error().ends_with("; merges.txt there is of another kind of tokenizer, which is not supported"));
}

TEST_CASE("pieces with settings equal those of transformers") {
  const Json golden = json_of(file_content(source_file("tests/golden/tokenizer_settings.json")));
  for (const Json& row : golden["folders"].items()) {
    CAPTURE(row["name"].get<std::string>());
    const Folder folder;
    std::string lines;
    for (const Json& token : golden["vocabularies"][row["specials"].get<std::string>()].items())
      lines += token.get<std::string>() + "\n";
    folder.folder.write("vocab.txt", lines);
    for (const auto& [name, content] : row["files"].members()) folder.write(name, content);
    const StoredTokenizer stored = folder.read();
    const Tokenizer tokenizer(stored.vocab, stored.config.text_rules(TokenizerRules::hf),
                              stored.config.added);
    for (size_t i = 0; i < golden["texts"].size(); ++i) {
      CAPTURE(json_text(golden["texts"][i]));
      std::vector<int32_t> ids;
      for (const Piece& piece : tokenizer.tokenize(golden["texts"][i].get<std::string>()))
        ids.push_back(piece.id);
      CHECK(ids == row["ids"][i].get<std::vector<int32_t>>());
    }
  }
}
