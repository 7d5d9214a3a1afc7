#include "score/score_run.h"

#include <algorithm>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "core/errors.h"
#include "score/merge_shards.h"
#include "tests/score/tabular_run.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

using nlohmann::json;

std::vector<json> rows_of(const std::string& path) {
  std::istringstream file(read_file(path));
  std::vector<json> rows;
  std::string line;
  std::getline(file, line);
  CHECK(json::parse(line).contains("manifest"));
  while (std::getline(file, line)) {
    rows.push_back(json::parse(line));
  }
  return rows;
}

TEST_CASE("bad records become error rows with line, reason and id; the others are scored, in the order of the input") {
  struct Case {
    std::string line;
    std::optional<std::string> id;  // none: the row has none
    std::string error;              // a part of it; "": a scored row
  };
  const std::vector<Case> cases = {
      {R"({"id":"first","prompt":"[1]","response":"[2][3]"})", "first", ""},
      {R"({"id":"typed","prompt":7,"response":"[2]"})", "typed", "\"prompt\" is a JSON number"},
      {R"({"id":12,"prompt":"[1]"})", "12", "no response"},
      {R"({"prompt":"[1]"})", std::nullopt, "no response"},
      {R"({"id":["a"],"prompt":"[1]","response":"[2]"})", std::nullopt, "\"id\" is a JSON array"},
      {R"({"id":"cut","prompt":"[1]","respo)", std::nullopt, "line 7"},
      {R"([1,2])", std::nullopt, "line 8"},
      {"{\"id\":\"\xFF\",\"prompt\":\"[1]\",\"response\":\"[2]\"}", std::nullopt, "UTF-8"},
      {R"({"id":"both","prompt":"[1]","response":"[2]","responses":["[2]"]})", "both", "both \"response\""},
      {R"({"id":"last","prompt":"[1]","response":"[0]"})", "last", ""},
      {R"({"prompt":"[1]","response":"[2]","colour":"red"})", "12", ""},
  };
  std::string input;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    input += cases[i].line + "\n" + (i == 3 ? "\n" : "");  // a blank line is counted, and is no record
  }
  const TemporaryDirectory directory;
  write_file(directory.file("in"), input);
  const RunSummary summary = run({directory.file("in"), directory.file("out")});
  const std::vector<json> rows = rows_of(directory.file("out"));
  REQUIRE(rows.size() == cases.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    INFO(rows[i].dump());
    CHECK(rows[i]["line"] == i + (i > 3 ? 2 : 1));
    CHECK(rows[i].contains("id") == cases[i].id.has_value());
    CHECK((!cases[i].id || rows[i]["id"] == *cases[i].id));
    REQUIRE(rows[i].contains("error") == !cases[i].error.empty());
    if (!cases[i].error.empty()) {
      CHECK(rows[i]["error"]["kind"] == "invalid_input");
      CHECK(contains(rows[i]["error"]["message"].get<std::string>(), cases[i].error));
      CHECK(contains(rows[i]["error"]["message"].get<std::string>(), "line " + rows[i]["line"].dump()));
    } else {
      CHECK(rows[i]["responses"][0]["reward"].is_number());
    }
  }
  CHECK(summary.records == 11);
  CHECK(summary.resumed == 0);
  CHECK(summary.record_errors == 8);
  CHECK(summary.responses == 3);
  CHECK(summary.response_errors == 0);
  CHECK(summary.unknown_fields == std::vector<std::string>{"colour"});
}

TEST_CASE("bad responses are counted, scored ones are kept, and a long record is skipped where that is asked for") {
  const TemporaryDirectory directory;
  write_file(directory.file("in"), R"({"prompt":"[1]","responses":["[2]","","[2][2][2][2][2][2][2][2][2]","x"]})"
                                   "\n");
  RunSetup setup{directory.file("in"), directory.file("out")};
  setup.context = 8;
  setup.score.overflow = Overflow::kSkip;
  const RunSummary summary = run(setup);
  CHECK(summary.records == 1);
  CHECK(summary.record_errors == 0);
  CHECK(summary.responses == 1);
  CHECK(summary.response_errors == 2);
  CHECK(summary.responses_skipped == 1);
  const std::vector<json> rows = rows_of(directory.file("out"));
  REQUIRE(rows.size() == 1);
  REQUIRE(rows[0]["responses"].size() == 4);
  CHECK(rows[0]["responses"][0].contains("reward"));
  for (const std::size_t bad : {1, 2, 3}) {
    CHECK(rows[0]["responses"][bad].contains("error"));
  }
}

TEST_CASE("an empty input, and one of blank lines, give a manifest alone") {
  for (const char* text : {"", "\n \n\n"}) {
    const TemporaryDirectory directory;
    write_file(directory.file("in"), text);
    CHECK(run({directory.file("in"), directory.file("out")}).records == 0);
    CHECK(rows_of(directory.file("out")).empty());
  }
}

TEST_CASE("an engine that fails at one response leaves the rest of the run alone") {
  const TemporaryDirectory directory;
  write_file(directory.file("in"), random_records(60, 1));
  RunSetup setup{directory.file("in"), directory.file("sound")};
  run(setup);
  setup.output = directory.file("out");
  setup.poison = Tokens{2, 3, 1};
  const RunSummary summary = run(setup);
  const std::vector<json> rows = rows_of(directory.file("out"));
  const std::vector<json> sound = rows_of(directory.file("sound"));
  REQUIRE(rows.size() == sound.size());
  CHECK(summary.records == 60);
  CHECK(summary.record_errors == 0);
  std::size_t failed = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    REQUIRE(rows[i]["responses"].size() == sound[i]["responses"].size());
    for (std::size_t k = 0; k < rows[i]["responses"].size(); ++k) {
      const json& response = rows[i]["responses"][k];
      if (response.contains("error")) {
        ++failed;
        CHECK(contains(response["error"].get<std::string>(), "the poisoned state"));
      } else {
        CHECK(response == sound[i]["responses"][k]);
      }
    }
  }
  CHECK(failed > 0);
  CHECK(failed < 60);
  CHECK(summary.response_errors == failed);
}

TEST_CASE("an engine that fails for good ends the run; what was written stays and a sound engine goes on") {
  const TemporaryDirectory directory;
  write_file(directory.file("in"), random_records(80, 2));
  RunSetup setup{directory.file("in"), directory.file("whole")};
  run(setup);
  setup.output = directory.file("out");
  setup.calls_until_failure = 300;
  CHECK(contains(message_of<EngineError>([&] { run(setup); }), "gave up"));
  const std::size_t written = rows_of(directory.file("out")).size();
  CHECK(written > 0);
  CHECK(written < 80);
  setup.calls_until_failure.reset();
  const RunSummary summary = run(setup);
  CHECK(summary.resumed == written);
  CHECK(summary.records == 80);
  CHECK(read_file(directory.file("out")) == read_file(directory.file("whole")));
}

TEST_CASE("the shards of a run are together its rows, each row in one shard") {
  const TemporaryDirectory directory;
  write_file(directory.file("in"), random_records(37, 3) + "{\"id\":\"bad\"}\n\n" + random_records(20, 4));
  RunSetup setup{directory.file("in"), directory.file("whole")};
  run(setup);
  const std::vector<json> whole = rows_of(directory.file("whole"));
  REQUIRE(whole.size() == 58);
  for (const std::size_t count : {1, 2, 3, 7, 58, 60}) {
    std::vector<json> together;
    for (std::size_t index = 1; index <= count; ++index) {
      INFO("shard ", index, "/", count);
      setup.output = directory.file(std::to_string(index) + "of" + std::to_string(count));
      setup.shard = {index, count};
      run(setup);
      const std::vector<json> rows = rows_of(setup.output);
      CHECK(rows.size() >= 58 / count);
      CHECK(rows.size() <= 58 / count + 1);
      CHECK(
          std::is_sorted(rows.begin(), rows.end(), [](const json& a, const json& b) { return a["line"] < b["line"]; }));
      for (std::size_t i = 0; i < rows.size(); ++i) {
        CHECK(rows[i] == whole[index - 1 + i * count]);  // dealt out in turn
      }
      together.insert(together.end(), rows.begin(), rows.end());
    }
    std::sort(together.begin(), together.end(), [](const json& a, const json& b) { return a["line"] < b["line"]; });
    CHECK(together == whole);
  }
  for (const Shard shard : {Shard{0, 2}, Shard{3, 2}, Shard{1, 0}}) {
    setup.shard = shard;
    setup.output = directory.file("none" + std::to_string(shard.index) + std::to_string(shard.count));
    CHECK(contains(message_of<InvalidInput>([&] { run(setup); }), "1 <= i <= n"));
  }
}

TEST_CASE("from a pipe to a pipe: the rows of a run from file to file") {
  const TemporaryDirectory directory;
  write_file(directory.file("in"), random_records(50, 5));
  RunSetup setup{directory.file("in"), directory.file("out")};
  run(setup);
  int to_run[2];
  REQUIRE(::pipe(to_run) == 0);
  const pid_t writer = ::fork();
  if (writer == 0) {  // a few bytes at a time, so that lines arrive in pieces
    const std::string input = read_file(directory.file("in"));
    for (std::size_t at = 0; at < input.size(); at += 100) {
      const std::string piece = input.substr(at, 100);
      if (::write(to_run[1], piece.data(), piece.size()) != static_cast<ssize_t>(piece.size())) {
        ::_exit(1);
      }
    }
    ::_exit(0);
  }
  ::close(to_run[1]);
  const int output = ::open(directory.file("streamed").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  REQUIRE(output >= 0);
  {
    const std::unique_ptr<RecordInput> reader = open_records(to_run[0], "standard input");
    ResultLog log = ResultLog::stream(output, "standard output", manifest_of(setup));
    std::size_t reports = 0;
    std::size_t bytes_read = 0;
    const RunSummary summary = run(setup, *reader, log, [&](const RunSummary&, std::size_t bytes) {
      ++reports;
      CHECK(bytes > bytes_read);
      bytes_read = bytes;
    });
    CHECK(summary.records == 50);
    CHECK(reports > 1);
    CHECK(bytes_read == read_file(directory.file("in")).size());
  }
  ::close(output);
  ::close(to_run[0]);
  CHECK(exit_status(writer) == 0);
  CHECK(read_file(directory.file("streamed")) == read_file(directory.file("out")));
}

// The manifest without what may differ between runs, then the rows.
std::string comparable(const std::string& bytes) {
  const std::size_t end = bytes.find('\n');
  nlohmann::ordered_json manifest = nlohmann::ordered_json::parse(bytes.substr(0, end));
  manifest["manifest"].erase("run");
  manifest["manifest"]["options"]["shard"] = nullptr;
  return manifest.dump() + bytes.substr(end);
}

TEST_CASE("shards join to the bytes of the whole run; what is missing, foreign or twice is refused") {
  const TemporaryDirectory directory;
  const auto written = [&](const std::string& name, const std::string& bytes) {
    write_file(directory.file(name), bytes);
    return directory.file(name);
  };
  const std::string input = written("input.jsonl", random_records(23, 7));
  const auto part = [&](std::size_t index, std::size_t count) {
    RunSetup setup{input, directory.file("part-" + std::to_string(index) + "-" + std::to_string(count))};
    setup.shard = {index, count};
    run(setup);
    return setup.output;
  };
  const std::string whole = comparable(read_file(part(1, 1)));
  for (const std::size_t count : {2, 3, 23, 30}) {
    CAPTURE(count);
    std::vector<std::string> paths;
    for (std::size_t i = count; i >= 1; --i) {
      paths.push_back(part(i, count));
    }
    std::string joined;
    merge_shards(paths, [&](std::string_view line) { joined.append(line).append("\n"); });
    CHECK(joined == whole);
  }
  const auto refused = [&](std::vector<std::string> paths, const char* why) {
    CHECK_THROWS_WITH_AS(merge_shards(paths, [](std::string_view) {}), doctest::Contains(why), InvalidInput);
  };
  const std::string first = part(1, 2);
  const std::string second = part(2, 2);
  refused({first}, "shard 2/2 is missing");
  refused({first, first}, "twice");
  refused({first, part(2, 3)}, "other settings");
  refused({first, input}, "does not begin with the manifest");
  std::string cut = read_file(second);
  cut.resize(cut.rfind('\n', cut.size() - 2) + 1);
  refused({first, written("cut", cut)}, "fewer rows");
  std::string short_first = read_file(first);
  short_first.resize(short_first.rfind('\n', short_first.size() - 2) + 1);
  short_first.resize(short_first.rfind('\n', short_first.size() - 2) + 1);
  refused({written("short", short_first), second}, "fewer rows");
}

}  // namespace
}  // namespace endorm
