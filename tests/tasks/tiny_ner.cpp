#include "tests/tasks/tiny_ner.h"

namespace gradus {

const std::string ner_sentences =
    "Anna B-PER\nlives O\nin O\nAlden B-LOC\n. O\n\n"
    "Boris B-PER\nBrom I-PER\nlives O\nin O\nPort B-LOC\nMill I-LOC\n. O\n\n"
    "Clara B-PER\nleft O\nAlden B-LOC\n. O\n\n"
    "Anna B-PER\nBrom I-PER\nmet O\nBoris B-PER\n. O\n\n"
    "Alden B-LOC\nis O\nold O\n. O\n\n"
    "Clara B-PER\nmet O\nAnna B-PER\nin O\nPort B-LOC\nMill I-LOC\n. O\n\n"
    "Port B-LOC\nAlden I-LOC\nis O\nnear O\n. O\n\n"
    "the O\nhouse O\nis O\nold O\n. O\n\n"
    "Boris B-PER\nleft O\nthe O\nhouse O\nin O\nAlden B-LOC\n. O\n\n"
    "who O\nmet O\nClara B-PER\nBrom I-PER\n? O\n\n"
    "the O\nmill O\nis O\nnear O\nPort B-LOC\nMill I-LOC\n. O\n\n"
    "Anna B-PER\nleft O\n. O\n";

namespace {

const std::string vocabulary =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nAnna\nBo\n##ris\nCl\n##ara\nBrom\nlives\nin\nAl\n##"
    "den\nPort\nMill\nleft\n"
    "met\nis\nold\nnear\nthe\nhouse\nwho\nmill\n.\n?\n王\n伟\n住\n在\n青\n州\n";

}  // namespace

TinyNer::TinyNer() : TinyTask("run_ner", ner_sentences, vocabulary) {}

}  // namespace gradus
