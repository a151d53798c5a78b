#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "core/error.h"
#include "core/io/file_kind.h"
#include "core/io/files.h"
#include "tests/files.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

// The number of a process that has ended.
pid_t dead_process() {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return child;
}

}  // namespace

TEST_CASE("files: what is no regular file is refused and not waited for") {
  const TemporaryFolder folder;
  const std::string pipe = (folder / "pipe").string(), socket = (folder / "socket").string();
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  const int end = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(socket.size() < sizeof(address.sun_path));
  socket.copy(address.sun_path, socket.size());
  REQUIRE(bind(end, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);

  for (const auto& read : {+[](const std::string& path) { read_file(path); },
                           +[](const std::string& path) { const MappedFile file(path); },
                           +[](const std::string& path) { check_regular_file(path); }}) {
    CHECK(error_of([&] { read(pipe); }) == "cannot read '" + pipe + "': not a regular file");
    CHECK(error_of([&] { read("/dev/zero"); }) == "cannot read '/dev/zero': not a regular file");
    CHECK(error_of([&] { read(folder.path().string()); }) ==
          "cannot read '" + folder.path().string() + "': Is a directory");
    CHECK(error_of([&] { read((folder / "none").string()); }).find("No such file or directory") !=
          std::string::npos);
  }
  CHECK(error_of([&] { check_regular_file(socket); }).ends_with("not a regular file"));
  CHECK(error_of([&] { read_file("/dev/zero", 1000, FileKind::any); }) ==
        "/dev/zero: larger than 1000 bytes");
  ::close(end);
}

TEST_CASE("files: a pipe that the user names is read") {
  const TemporaryFolder folder;
  const std::string pipe = (folder / "pipe").string();
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  std::thread writer([&] { write_file(pipe, "a: 1\n"); });
  CHECK(read_file(pipe, 100, FileKind::any) == "a: 1\n");
  writer.join();
}

TEST_CASE("files: a file of holes is refused by its size, before it is read") {
  const TemporaryFolder folder;
  const std::string holes = folder.write("holes", "");
  fs::resize_file(holes, uint64_t{1} << 40);
  CHECK(error_of([&] { read_file(holes); }) == holes + ": larger than 67108864 bytes");
  CHECK(read_file(folder.write("just", "12345"), 5) == "12345");
  CHECK(error_of([&] { read_file(folder.write("more", "123456"), 5); }).ends_with("larger than 5 bytes"));
}

TEST_CASE("files: what a killed writer has left is removed by the next, and nothing else") {
  const TemporaryFolder folder;
  const std::string dead = std::to_string(dead_process()), running = std::to_string(getppid());
  const std::string path = (folder / "a.ckpt").string();
  for (const std::string& name :
       {"a.ckpt.tmp-" + dead, "a.ckpt.old.tmp-" + dead, "a.ckpt.tmp-" + running, "b.ckpt.tmp-" + dead,
        "a.ckpt.tmp-" + dead + "x", std::string("a.ckpt.tmp-"), "xa.ckpt.tmp-" + dead})
    folder.write(name, "x");
  replace_file(path, "new");
  std::vector<std::string> expected{"a.ckpt",
                                    "a.ckpt.tmp-",
                                    "a.ckpt.tmp-" + running,
                                    "a.ckpt.tmp-" + dead + "x",
                                    "b.ckpt.tmp-" + dead,
                                    "xa.ckpt.tmp-" + dead};
  std::sort(expected.begin(), expected.end());
  CHECK(names_in(folder.path()) == expected);
}

TEST_CASE("files: several files get their names together or not at all") {
  const TemporaryFolder folder;
  const std::string a = folder.write("a", "old a"), b = folder.write("b", "old b"),
                    c = (folder / "c").string();
  const auto write = [&](AtomicFile& file) { file.write("new"); };
  {
    AtomicFile first(a), second(b), third(c);
    for (AtomicFile* file : {&first, &second, &third}) write(*file);
    CHECK_FALSE(first.repeats_old());
    fs::create_directory(c);  // so that the last can't get its name
    AtomicFile* const files[] = {&first, &second, &third};
    CHECK(error_of([&] { commit_together(files); }) == "cannot replace '" + c + "': Is a directory");
  }
  CHECK(names_in(folder.path()) == std::vector<std::string>{"a", "b", "c"});
  CHECK(file_content(a) == "old a");
  CHECK(file_content(b) == "old b");
  fs::remove(c);
  {
    AtomicFile first(a), second(b), third(c);
    for (AtomicFile* file : {&first, &second, &third}) write(*file);
    AtomicFile* const files[] = {&first, &second, &third};
    commit_together(files);
  }
  CHECK(names_in(folder.path()) == std::vector<std::string>{"a", "b", "c"});
  for (const std::string& path : {a, b, c}) CHECK(file_content(path) == "new");
  AtomicFile again(a);
  write(again);
  CHECK(again.repeats_old());
}

TEST_CASE("files: a growing file is seen at once and never replaces another") {
  const TemporaryFolder folder;
  const std::string path = (folder / "log").string();
  GrowingFile log(path);
  log.write("one");
  CHECK(file_content(path) == "one");
  log.write("two");
  CHECK(file_content(path) == "onetwo");
  CHECK(error_of([&] { GrowingFile other(path); }) == "cannot write '" + path + "': File exists");
}

TEST_CASE("files: a folder that can't be made says why") {
  const TemporaryFolder folder;
  const std::string file = folder.write("file", "");
  CHECK(error_of([&] { make_folder(file + "/below"); }) ==
        "cannot make folder '" + file + "/below': Not a directory");
  make_folder(folder / "a/b/c");
  make_folder(folder / "a/b/c");
  CHECK(fs::is_directory(folder / "a/b/c"));
}

TEST_CASE("file_kind: what a file is by its first bytes is named, with what to do") {
  using namespace std::string_view_literals;
  const auto found = [](std::string_view bytes) {
    return error_of([&] { check_file_kind(bytes, "m.ckpt", "a checkpoint"); });
  };
  const auto in_text = [](std::string_view bytes) { return error_of([&] { check_text_kind(bytes, "t"); }); };
  const std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 12345\n";
  CHECK(
      found(pointer) ==
      "m.ckpt: a pointer of Git LFS, not the file it stands for, expected a checkpoint: fetch that with 'git "
      "lfs pull', or download it");
  CHECK(in_text(pointer).starts_with("t: a pointer of Git LFS"));
  for (const char* page :
       {"<!DOCTYPE html>\n<html>", "\n\n  <HTML lang=\"en\">", "\xef\xbb\xbf<!doctype html>"}) {
    CHECK(found(page).starts_with("m.ckpt: a web page, expected a checkpoint: "));
    CHECK(in_text(page).empty());  // which a text may be about
  }
  CHECK(found("PK\x03\x04\0\0"sv).find("a zip archive, expected a checkpoint: unpack it; PyTorch's *.bin") !=
        std::string::npos);
  // Spreadsheets, new and old.
  for (const std::string name : {"[Content_Types].xml", "xl/workbook.xml", "mimetypeapplication/vnd.oasis.x"})
    CHECK(in_text("PK\x03\x04" + std::string(26, '\0') + name) ==
          "t: a document of an office program, expected text: save a table as CSV in UTF-8, other text as "
          "plain text");
  CHECK(in_text("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1").starts_with("t: a document of an office program"));
  CHECK(found("\x1f\x8b\x08\0"sv).find("gzip, expected a checkpoint: unpack it") != std::string::npos);
  std::string tar(512, '\0');
  tar.replace(257, 5, "ustar");
  CHECK(found(tar).starts_with("m.ckpt: a tar archive"));
  for (const std::string_view binary : {"PK\x03\x04\0\0"sv, "\x28\xb5\x2f\xfd\0"sv})
    CHECK_FALSE(in_text(binary).empty());
  for (const std::string_view good :
       {""sv, "a"sv, "PKZIP is old"sv, "version 2"sv, "BZh is a word"sv, "{}"sv})
    CHECK(in_text(good).empty());
  for (const std::string_view good : {""sv, "\x0a\x12"sv, "\0\1\2"sv, "{\"a\": 1}"sv})
    CHECK(found(good).empty());
}
