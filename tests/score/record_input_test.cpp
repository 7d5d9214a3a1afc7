#include "score/record_input.h"

#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/errors.h"
#include "engine/content_hash.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

// "number:text" of every line, "number!" where it is an error.
std::vector<std::string> read_all(RecordInput& input) {
  std::vector<std::string> lines;
  while (const std::optional<InputLine> line = input.next()) {
    lines.push_back(std::to_string(line->number) + (line->error ? "!" : ":" + line->text));
    if (!line->error) {
      CHECK(line->key == record_key(line->text));
    }
  }
  return lines;
}

std::vector<std::string> read_bytes(std::string_view bytes, std::size_t limit = RecordInput::kDefaultLimit) {
  const TemporaryDirectory directory;
  write_file(directory.file("in"), bytes);
  const std::unique_ptr<RecordInput> input = open_records(directory.file("in"), limit);
  return read_all(*input);
}

using Lines = std::vector<std::string>;

TEST_CASE("lines, blank lines, line endings and a byte-order mark") {
  CHECK(read_bytes("").empty());
  CHECK(read_bytes("\n\n \t\n\r\n").empty());
  CHECK(read_bytes("{a}\n{b}\n") == Lines{"1:{a}", "2:{b}"});
  CHECK(read_bytes("{a}\n{b}") == Lines{"1:{a}", "2:{b}"});
  CHECK(read_bytes("{a}\r\n\r\n  \n{b}\r\n") == Lines{"1:{a}", "4:{b}"});
  CHECK(read_bytes("\xEF\xBB\xBF{a}\n{b}\n") == Lines{"1:{a}", "2:{b}"});
  CHECK(read_bytes("\xEF\xBB\xBF\n{b}\n") == Lines{"2:{b}"});
  CHECK(read_bytes("{a}\n\xEF\xBB\xBF{b}\n") == Lines{"1:{a}", "2:\xEF\xBB\xBF{b}"});
  CHECK(read_bytes(std::string("a\0b\nc\n", 6)) == Lines{std::string("1:a\0b", 5), "2:c"});
}

TEST_CASE("a line past the limit is an error with its number, and reading goes on") {
  CHECK(read_bytes("aaaa\nbbbbb\ncc\n", 4) == Lines{"1:aaaa", "2!", "3:cc"});
  CHECK(read_bytes("bbbbb", 4) == Lines{"1!"});
  const std::string big(5 << 20, 'x');  // several blocks
  CHECK(read_bytes("a\n" + big + "\nb\n", 1 << 20) == Lines{"1:a", "2!", "3:b"});
  CHECK(read_bytes("a\n" + big + "\nb\n") == Lines{"1:a", "2:" + big, "3:b"});

  const TemporaryDirectory directory;
  write_file(directory.file("in"), "bbbbb\n");
  const std::optional<InputLine> line = open_records(directory.file("in"), 4)->next();
  REQUIRE(line);
  CHECK(contains(line->error.value_or(""), "line 1 has 5 bytes, more than the limit of 4"));
  CHECK(line->key == record_key("bbbbb"));
}

TEST_CASE("what is no file of records is refused with the remedy") {
  const TemporaryDirectory directory;
  const auto refusal = [&](const std::string& bytes) {
    write_file(directory.file("in"), bytes);
    return message_of<InvalidInput>([&] { open_records(directory.file("in")); });
  };
  CHECK(contains(message_of<InvalidInput>([&] { open_records(directory.file("absent")); }), "No such file"));
  CHECK(contains(message_of<InvalidInput>([&] { open_records(directory.file("")); }), "is a directory"));
  CHECK(contains(refusal("PK\x03\x04 and more"), "is a ZIP archive, no file of records. Unpack it first."));
  CHECK(contains(refusal("GGUF and more"), "is a model, no file of records. Give it with --model."));
  CHECK(contains(refusal(std::string("\xFF\xFE{\0", 4)), "is UTF-16, no file of records. Convert it with: iconv"));
  CHECK(contains(refusal("SQLite format 3"), "is an SQLite database"));
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  REQUIRE(::write(ends[1], "PAR1....", 8) == 8);
  ::close(ends[1]);
  CHECK(contains(message_of<InvalidInput>([&] { open_records(ends[0], "standard input"); }),
                 "standard input is Parquet, which is read from files alone"));
  ::close(ends[0]);
}

TEST_CASE("a pipe that is written in pieces, blocking or not") {
  for (const bool non_blocking : {false, true}) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    if (non_blocking) {
      REQUIRE(::fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    }
    std::thread writer([&ends] {
      for (const char* piece : {"{\"a\"", ":1}\n", "\n{\"b\":", "2}\r", "\n{}"}) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        [[maybe_unused]] const ssize_t ignored = ::write(ends[1], piece, std::string_view(piece).size());
      }
      ::close(ends[1]);
    });
    const std::unique_ptr<RecordInput> input = open_records(ends[0], "standard input");
    CHECK(read_all(*input) == Lines{"1:{\"a\":1}", "3:{\"b\":2}", "4:{}"});
    writer.join();
    ::close(ends[0]);
  }
  CHECK(contains(message_of<EngineError>([&] { open_records(-1, "standard input"); }),
                 "cannot read standard input after 0 bytes: Bad file"));
}

TEST_CASE("SHA-256 of bytes and of a file") {
  const std::string abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";  // FIPS 180-4, "abc"
  const std::string million =
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";  // a million times "a"
  CHECK(hex(sha256("abc")) == abc);
  CHECK(record_key("abc") == abc.substr(0, 16));
  const TemporaryDirectory directory;
  write_file(directory.file("a"), std::string(1'000'000, 'a'));
  CHECK(hex(sha256_file(directory.file("a"))) == million);
  CHECK(contains(message_of<InvalidInput>([&] { sha256_file(directory.file("b")); }), "cannot open"));
  CHECK(contains(message_of<EngineError>([&] { sha256_file(directory.file("")); }), "cannot read"));
}

}  // namespace
}  // namespace endorm
