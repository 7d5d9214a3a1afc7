#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "core/errors.h"
#include "engine/content_hash.h"
#include "score/record_input.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

// "number:value" of every record, "number!" with the reason where it is none.
std::vector<std::string> all_of(RecordInput& input) {
  std::vector<std::string> records;
  while (const std::optional<InputLine> line = input.next()) {
    CHECK(line->key.size() == 16);
    records.push_back(std::to_string(line->number) +
                      (line->error ? "!" + *line->error : ":" + Json::parse(line->text).dump()));
  }
  CHECK_FALSE(input.next());  // and no more, however often it is asked
  return records;
}

std::vector<std::string> records_of(std::string_view bytes, std::size_t limit = RecordInput::kDefaultLimit) {
  const TemporaryDirectory directory;
  write_file(directory.file("in"), bytes);
  const std::unique_ptr<RecordInput> input = open_records(directory.file("in"), limit);
  std::vector<std::string> records = all_of(*input);
  CHECK(input->bytes_used() == bytes.size());
  return records;
}

using Records = std::vector<std::string>;

TEST_CASE("a JSON array, and JSON over several lines") {
  CHECK(records_of("[]").empty());
  CHECK(records_of(R"([{"a":1},{"b":"]}\\\"{["}])") == Records{R"(1:{"a":1})", R"(2:{"b":"]}\\\"{["})"});
  CHECK(records_of("\n[\n  {\n \"a\": [1,\n 2]\n  },\n  {\"b\": {}}\n]\n") ==
        Records{R"(1:{"a":[1,2]})", R"(2:{"b":{}})"});
  CHECK(records_of("{\n \"a\": 1\n}\n{\"b\": 2}\n{\n\"c\":3}") ==
        Records{R"(1:{"a":1})", R"(2:{"b":2})", R"(3:{"c":3})"});
  CHECK(records_of("[1, \"x\",null ,[2]]") == Records{"1:1", "2:\"x\"", "3:null", "4:[2]"});
  CHECK(records_of("[\"a\\\\\", \"b\"]") == Records{"1:\"a\\\\\"", "2:\"b\""});
}

TEST_CASE("a value of an array that is broken costs itself") {
  const Records cut = records_of("[{\"a\":1},\n{\"b\":");
  REQUIRE(cut.size() == 2);
  CHECK(cut[0] == R"(1:{"a":1})");
  CHECK(contains(cut[1], "2!the file ends, at line 2, within the value that begins at line 2"));
  const Records open = records_of("[{\"a\":1},\n{\"b\":2}\n");
  REQUIRE(open.size() == 3);
  CHECK(contains(open[2], "3!the file ends, at line 3, and its JSON array is not closed"));
  const Records behind = records_of("[{\"a\":1}]\n,{\"b\":2},3]");
  REQUIRE(behind.size() == 2);
  CHECK(contains(behind[1], "2!line 2: behind the end of the JSON array stands more."));
  const Records big = records_of("[{\"a\":\"" + std::string(100, 'x') + "\"},{\"b\":2}]", 50);
  REQUIRE(big.size() == 2);
  CHECK(contains(big[0], "1!line 1 has 108 bytes, more than the limit of 50"));
  CHECK(big[1] == R"(2:{"b":2})");
}

TEST_CASE("separated values") {
  CHECK(records_of("prompt,response\na,b\nc,d") ==
        Records{R"(2:{"prompt":"a","response":"b"})", R"(3:{"prompt":"c","response":"d"})"});
  CHECK(records_of("prompt\tresponse\r\na,1\tb\r\n\r\n") == Records{R"(2:{"prompt":"a,1","response":"b"})"});
  CHECK(records_of("prompt;response\na;b") == Records{R"(2:{"prompt":"a","response":"b"})"});
  CHECK(records_of("prompt,response\n\"a, \"\"b\"\"\nc\",\n\"\",x\n") ==
        Records{R"(2:{"prompt":"a, \"b\"\nc","response":null})", R"(4:{"prompt":"","response":"x"})"});
  CHECK(records_of(",prompt,response\n0,a,b\n") == Records{R"(2:{"prompt":"a","response":"b"})"});
  CHECK(records_of("\xEF\xBB\xBFprompt,truncated\na,True\n") == Records{R"(2:{"prompt":"a","truncated":true})"});
  CHECK(records_of(
            "messages,response\n\"[{\"\"role\"\":\"\"user\"\",\"\"content\"\":\"\"p\"\"}]\",\"{\"\"x\"\":1}\"\n") ==
        Records{R"(2:{"messages":[{"role":"user","content":"p"}],"response":"{\"x\":1}"})"});
  const Records ragged = records_of("prompt,response\na,b,c\na\nd,e\n");
  REQUIRE(ragged.size() == 3);
  CHECK(contains(ragged[0], "2!line 2: the row has 3 cells, and the first line names 2 columns"));
  CHECK(ragged[1] == R"(3:{"prompt":"a"})");
  CHECK(ragged[2] == R"(4:{"prompt":"d","response":"e"})");
  CHECK(contains(records_of("prompt,response\n\xFF,b\n").at(0), "is not UTF-8"));
  CHECK(contains(records_of("prompt,response\na,\"b\n").at(0), "ends with the file, within a cell"));
  CHECK(contains(records_of("prompt,response\n" + std::string(60, 'x') + ",b\n", 50).at(0),
                 "has 61 bytes, more than the limit of 50"));
}

TEST_CASE("what looks like a table and is none of one meaning is told") {
  const TemporaryDirectory directory;
  write_file(directory.file("in"), "prompt,response,response\na,b,c\n");
  CHECK(contains(message_of<InvalidInput>([&] { open_records(directory.file("in")); }),
                 "has two columns that are called \"response\""));
  CHECK(records_of("Unnamed: 0,prompt,response %\n0,a,b\n") ==
        Records{R"(2:{"Unnamed: 0":"0","prompt":"a","response %":"b"})"});
  CHECK(contains(records_of("prompt,chosen\n\"[{'role': 'user', 'content': 'a'}]\",b\n").at(0),
                 "has under \"prompt\" a list as Python prints it"));
}

TEST_CASE("a first line that is cut costs itself") {
  const TemporaryDirectory directory;
  write_file(directory.file("in"), "{\"a\":1,\n{\"b\":2}\n{\"c\":3}\n");
  const std::unique_ptr<RecordInput> input = open_records(directory.file("in"));
  CHECK(input->next()->text == "{\"a\":1,");
  CHECK(input->next()->text == "{\"b\":2}");
}

// A text with what forms use as marks.
std::string random_text(std::mt19937& random) {
  constexpr std::string_view kPieces[] = {"a",  " ", ",", ";", "\t", "\"",       "\\",
                                          "\n", "{", "}", "[", "]",  "\xC3\xA9", "0"};
  std::string text = "x";  // not empty, and no beginning of a list
  for (std::size_t left = random() % 12; left > 0; --left) {
    text += kPieces[random() % std::size(kPieces)];
  }
  return text;
}

std::string table_of(const std::vector<Json>& records, char separator) {
  std::string table = std::string("prompt") + separator + "response\n";
  for (const Json& record : records) {
    for (const char* name : {"prompt", "response"}) {
      std::string cell = record.at(name).get<std::string>();
      for (std::size_t at = cell.find('"'); at != std::string::npos; at = cell.find('"', at + 2)) {
        cell.insert(at, 1, '"');
      }
      table += "\"" + cell + "\"" + (std::string_view(name) == "prompt" ? separator : '\n');
    }
  }
  return table;
}

// What a program makes of a file.
std::string run(const std::string& command, const TemporaryDirectory& directory, std::string_view bytes) {
  write_file(directory.file("plain"), bytes);
  const std::string words = command + " < " + directory.file("plain") + " > " + directory.file("packed");
  REQUIRE(std::system(words.c_str()) == 0);  // NOLINT(concurrency-mt-unsafe)
  return read_file(directory.file("packed"));
}

TEST_CASE("the same records in every form are the same, however their bytes come") {
  const unsigned seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 50; ++round) {
    std::vector<Json> records(1 + random() % 5);
    std::string lines;
    std::string spread;
    for (Json& record : records) {
      record = {{"prompt", random_text(random)}, {"response", random_text(random)}};
      lines += record.dump() + "\n";
      spread += record.dump(2) + "\n";
    }
    for (const std::string& form : {lines, spread, Json(records).dump(), Json(records).dump(1), table_of(records, ','),
                                    table_of(records, '\t'), table_of(records, ';')}) {
      INFO(form);
      int ends[2];
      REQUIRE(::pipe(ends) == 0);
      std::thread writer([&, at = random() % 7 + 1] {
        for (std::size_t begin = 0; begin < form.size(); begin += at) {
          const std::string piece = form.substr(begin, at);
          [[maybe_unused]] const ssize_t ignored = ::write(ends[1], piece.data(), piece.size());
        }
        ::close(ends[1]);
      });
      const std::unique_ptr<RecordInput> input = open_records(ends[0], "a pipe");
      std::size_t count = 0;
      while (const std::optional<InputLine> line = input->next()) {
        REQUIRE_FALSE(line->error);
        REQUIRE(count < records.size());
        CHECK(Json::parse(line->text) == records[count++]);
      }
      CHECK(count == records.size());
      writer.join();
      ::close(ends[0]);
    }
  }
}

TEST_CASE("what is packed is unpacked by its program") {
  const TemporaryDirectory directory;
  const std::string lines = "{\"a\":1}\n{\"b\":2}\n";
  for (const std::string program : {"gzip", "zstd", "bzip2", "xz"}) {
    if (std::system(("command -v " + program + " > /dev/null").c_str()) != 0) {  // NOLINT(concurrency-mt-unsafe)
      MESSAGE("skipped: there is no " << program);
      continue;
    }
    INFO(program);
    for (const std::string& form : {lines, std::string("[{\"a\":1},{\"b\":2}]")}) {
      write_file(directory.file("in"), run(program + " -c", directory, form));
      CHECK(all_of(*open_records(directory.file("in"))).size() == 2);
    }
    const std::string packed = run(program + " -c", directory, std::string(10'000, ' ') + lines);
    write_file(directory.file("cut"), packed.substr(0, packed.size() / 2));
    CHECK(contains(
        message_of<InvalidInput>([&] { all_of(*open_records(directory.file("cut"))); }),
        program + " could not read it to its end (its words stand above). Unpack it with: " + program + " -d"));
  }
}

TEST_CASE("Parquet and Arrow are read by the Python that has pyarrow") {
  const TemporaryDirectory directory;
  constexpr const char* kWrite = R"(
import sys, pyarrow as arrow, pyarrow.parquet
folder = sys.argv[1]
rows = [{'a': 1, 'b': [{'x': None, 'y': 'z'}], 'n': float('nan')}, {'a': None, 'b': [{'x': 'w', 'y': None}], 'n': 0.5}]
table = arrow.Table.from_pylist(rows)
arrow.parquet.write_table(table, folder + '/parquet')
for name, writer in [('file', arrow.ipc.new_file), ('stream', arrow.ipc.new_stream)]:
    with arrow.OSFile(folder + '/' + name, 'wb') as out, writer(out, table.schema) as written:
        written.write_table(table)
)";
  write_file(directory.file("write.py"), kWrite);
  const std::string folder = directory.file("");
  if (std::system("python3 -c 'import pyarrow' 2> /dev/null") != 0) {  // NOLINT(concurrency-mt-unsafe)
    MESSAGE("skipped: python3 has no pyarrow");
    write_file(directory.file("parquet"), "PAR1");
    CHECK(contains(message_of<InvalidInput>([&] { all_of(*open_records(directory.file("parquet"))); }),
                   "Convert it with: python3 -c \"import pandas"));
    return;
  }
  REQUIRE(std::system(("python3 " + directory.file("write.py") + " " + folder).c_str()) == 0);  // NOLINT
  for (const char* name : {"parquet", "file", "stream"}) {
    INFO(name);
    CHECK(all_of(*open_records(directory.file(name))) ==
          Records{R"(1:{"a":1,"b":[{"y":"z"}],"n":null})", R"(2:{"b":[{"x":"w"}],"n":0.5})"});
  }
}

}  // namespace
}  // namespace endorm
