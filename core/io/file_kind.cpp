#include "core/io/file_kind.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "core/ascii.h"
#include "core/error.h"

namespace gradus {
namespace {

using namespace std::string_view_literals;

struct Signature {
  std::string_view begin;
  std::string_view name;
  std::string_view advice;
};

constexpr std::string_view unpack = "unpack it";
constexpr std::string_view page_advice =
    "the address led to a page about the file or to an error: download the file itself";
constexpr std::string_view weights_advice = "save the weights as safetensors with the program that made them";
constexpr std::string_view utf8_advice = "convert it to UTF-8";

constexpr Signature pointer{"version https://git-lfs.github.com/spec/"sv,
                            "a pointer of Git LFS, not the file it stands for",
                            "fetch that with 'git lfs pull', or download it"};
constexpr Signature page{"<html"sv, "a web page", page_advice};
constexpr Signature tar{"ustar"sv, "a tar archive", unpack};
constexpr size_t tar_mark_at = 257;

constexpr std::string_view office_advice = "save a table as CSV in UTF-8, other text as plain text";
constexpr Signature office{"PK\x03\x04"sv, "a document of an office program", office_advice};
constexpr size_t first_name_at = 30;  // of the files in a zip archive
// What is packed first in such documents: of spreadsheets by Microsoft's programs and others, and of OpenDocument.
constexpr std::string_view office_names[] = {"[Content_Types].xml", "_rels/", "docProps/", "xl/",
                                             "mimetypeapplication/vnd.oasis."};

constexpr Signature signatures[] = {
    {"PK\x03\x04"sv, "a zip archive",
     "unpack it; PyTorch's *.bin, *.pt and *.pth are such archives, which are read under these names"},
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, "a document of an office program", office_advice},
    {"\x1f\x8b\x08"sv, "gzip", "unpack it with gunzip"},
    {"BZh"sv, "bzip2", unpack},
    {"\xfd"
     "7zXZ"sv,
     "xz", unpack},
    {"\x28\xb5\x2f\xfd"sv, "zstd", unpack},
    {"7z\xbc\xaf\x27\x1c"sv, "a 7z archive", unpack},
    {"\x80\x02\x8a\x0a"sv, "a pickle of PyTorch", "name it *.bin: these are read"},
    {"\x80\x02}"sv, "a pickle of Python", weights_advice},
    {"\x80\x04\x95"sv, "a pickle of Python", weights_advice},
    {"\x89HDF\r\n\x1a\n"sv, "HDF5, as of Keras", weights_advice},
    {"GGUF"sv, "GGUF", weights_advice},
    {"PAR1"sv, "Parquet", "save it as text, JSON lines or records"},
    {"ARROW1"sv, "Arrow", "save it as text, JSON lines or records"},
    {"SQLite format 3\0"sv, "an SQLite database", "name the file that it belongs to"},
    {"%PDF-"sv, "PDF", "save it as text"},
    {"\xff\xfe"sv, "text in UTF-16", utf8_advice},
    {"\xfe\xff"sv, "text in UTF-16", utf8_advice},
};

bool is_web_page(std::string_view bytes) {
  const size_t begin = bytes.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  const std::string start = small_letters(bytes.substr(std::min(begin, bytes.size()), 9));
  return start == "<!doctype" || start.starts_with(page.begin);
}

bool is_office(std::string_view bytes) {
  return bytes.size() > first_name_at && bytes.starts_with(office.begin) &&
         std::any_of(std::begin(office_names), std::end(office_names),
                     [&](auto name) { return bytes.substr(first_name_at).starts_with(name); });
}

// Those of binary formats that nobody can have typed.
bool is_no_text(const Signature& signature) {
  return std::any_of(signature.begin.begin(), signature.begin.end(),
                     [](char c) { return c < ' ' || c == '\x7f'; });
}

const Signature* signature_of(std::string_view bytes) {
  if (bytes.starts_with(pointer.begin)) return &pointer;
  if (is_office(bytes)) return &office;
  const auto* found =
      std::find_if(std::begin(signatures), std::end(signatures),
                   [&](const Signature& signature) { return bytes.starts_with(signature.begin); });
  if (found != std::end(signatures)) return found;
  if (bytes.size() > tar_mark_at && bytes.substr(tar_mark_at).starts_with(tar.begin)) return &tar;
  return is_web_page(bytes) ? &page : nullptr;
}

[[noreturn]] void fail_kind(std::string_view path, const Signature& found, std::string_view expected) {
  fail("{}: {}, expected {}: {}", path, found.name, expected, found.advice);
}

}  // namespace

void check_file_kind(std::string_view first_bytes, std::string_view path, std::string_view expected) {
  if (const Signature* found = signature_of(first_bytes)) fail_kind(path, *found, expected);
}

void check_text_kind(std::string_view first_bytes, std::string_view path) {
  const Signature* found = signature_of(first_bytes);
  if (found == nullptr || found->advice == utf8_advice) return;  // its reader tells encodings apart
  if (found == &pointer || is_no_text(*found)) fail_kind(path, *found, "text");
}

}  // namespace gradus
