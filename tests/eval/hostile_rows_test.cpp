// A bad row is a fault that names it, and the rest is kept; a bad file or path is refused with its remedy.
#include <filesystem>
#include <string>
#include <tuple>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "eval/benchmarks.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

struct Hostile {
  const char* benchmark;
  std::string good;
  std::string bad;
  const char* reason;  // part of the fault's message
};

const std::string kPair = R"({"id": "good", "prompt": "Q", "chosen": "x", "rejected": "y"})";
const std::string kJudged = R"({"id": "good", "prompt": "Q", "response_a": "x", "response_b": "y", "label": "A"})";
const std::string kSteps = R"({"id": "good", "problem": "P", "steps": ["one"], "label": -1})";
const std::string kRm = R"({"id": 1, "prompt": "Q", "chosen": ["a", "b", "c"], "rejected": ["d", "e", "f"]})";
const std::string kBest = R"({"id": "good", "prompt": "Q", "responses": ["x", "y"], "correct": [true, false]})";
const std::string kTies = R"({"id": "ref:1", "subset": "Ties", "prompt": "Q", "chosen": ["x"], "rejected": ["y"]})";

std::vector<Hostile> hostile_rows() {
  const std::string long_text(100'000, 'x');
  return {
      {"pairs", kPair, R"({"id": "bad", "prompt": "Q", "chosen": "", "rejected": "y"})", "is empty"},
      {"pairs", kPair, R"({"id": "bad", "prompt": "Q", "chosen": " \n", "rejected": "y"})", "is empty"},
      {"pairs", kPair, R"({"id": "bad", "prompt": "Q", "chosen": ")" + long_text + R"(", "rejected": "y"})", "100000"},
      {"pairs", kPair, R"({"id": "bad", "prompt": "Q", "chosen": "x"})", "rejected"},
      {"pairs", kPair, R"({"id": "bad", "prompt": "Q", "response": "x"})", "no pair"},
      {"pairs", kPair, R"({"id": "good", "prompt": "Q", "chosen": "x", "rejected": "y"})", "was there before"},
      {"pairs", kPair, R"({"id": "bad", "prompt": "Q", "chosen": 5, "rejected": 6})", "number"},
      {"pairs", kPair, R"({"id": "bad", "prompt": "Q", "chosen": "x", "chosen": "z", "rejected": "y"})", "twice"},
      {"pairs", kPair, "{\"id\": \"bad\", \"prompt\": \"\xff\"}", "not JSON"},
      {"pairs", kPair, "nonsense", "not JSON"},
      {"pairs", kPair, "[1]", "array"},
      {"rewardbench", kJudged, R"({"id": "bad", "prompt": "Q", "response_a": "x", "response_b": "y", "label": "C"})",
       "expected \"A\" or \"B\""},
      {"rewardbench", kJudged, R"({"id": "bad", "prompt": "Q", "response_a": "x", "label": "A"})", "response_b"},
      {"rewardbench", kJudged, R"({"id": "bad", "response_a": "x", "response_b": "y", "label": "A"})", "prompt"},
      {"processbench", kSteps, R"({"id": "bad", "problem": "P", "steps": ["one"], "label": 1})", "first wrong step"},
      {"processbench", kSteps, R"({"id": "bad", "problem": "P", "steps": ["one"], "label": -2})", "-1 for none"},
      {"processbench", kSteps, R"({"id": "bad", "problem": "P", "steps": ["one"], "label": "0"})", "an integer"},
      {"processbench", kSteps, R"({"id": "bad", "problem": "P", "steps": [], "label": 0})", "empty list"},
      {"processbench", kSteps, R"({"id": "bad", "problem": "P", "steps": ["one", ""], "label": 0})", "step 1 is empty"},
      {"processbench", kSteps, R"({"id": "bad", "problem": "P", "steps": ["a"], "label": 18446744073709551615})",
       "too large"},
      {"rm-bench", kRm, R"({"id": 2, "prompt": "Q", "chosen": ["a", "b"], "rejected": ["d", "e", "f"]})", "expected 3"},
      {"rm-bench", kRm, R"({"id": 2, "prompt": "Q", "chosen": ["a", "b", null], "rejected": ["d", "e", "f"]})",
       "a string"},
      {"rm-bench", kRm, R"({"id": 2, "prompt": "Q", "chosen": ["a", "b", ""], "rejected": ["d", "e", "f"]})",
       "is empty"},
      {"bestof", kBest, R"({"id": "bad", "prompt": "Q", "responses": ["x", "y"], "correct": [true]})",
       "1 entries for 2"},
      {"bestof", kBest, R"({"id": "bad", "prompt": "Q", "responses": ["x"], "correct": [true]})", "at least two"},
      {"bestof", kBest, R"({"id": "bad", "prompt": "Q", "responses": ["x", "y"], "correct": [1, 0]})", "true or false"},
      {"rewardbench2", kTies, R"({"id": "x:1", "subset": "Ties", "prompt": "Q", "chosen": ["x"], "rejected": ["y"]})",
       "ref:"},
      {"rewardbench2", kTies,
       R"({"id": "1", "subset": "Math", "prompt": "Q", "chosen": ["x", "z"], "rejected": ["y"]})", "expected 1"},
  };
}

TEST_CASE("a hostile row is a fault with its number and reason, and the rest is kept") {
  const TemporaryDirectory folder;
  for (const Hostile& hostile : hostile_rows()) {
    INFO(hostile.benchmark, " ", hostile.bad.substr(0, 120));
    const std::string path = folder.file("rows.jsonl");
    write_file(path, hostile.good + "\n" + hostile.bad + "\n");
    const DataSet data = read_benchmark(hostile.benchmark, path);
    CHECK(data.examples.size() == 1);
    REQUIRE(data.faults.size() == 1);
    CHECK(data.faults[0].row == 2);
    CHECK(data.faults[0].file == "rows.jsonl");
    CHECK(contains(data.faults[0].message, hostile.reason));
    CHECK(data.files.at(0).rows == 2);
  }
}

TEST_CASE("an answer of just under 100,000 characters is kept, however many bytes these are") {
  const TemporaryDirectory folder;
  std::string text;
  for (int i = 0; i < 99'999; ++i) {
    text += "\xC3\xA9";
  }
  write_file(folder.file("rows.jsonl"), R"({"prompt": "Q", "chosen": ")" + text + R"(", "rejected": "y"})");
  CHECK(read_benchmark("pairs", folder.file("rows.jsonl")).examples.size() == 1);
}

TEST_CASE("a limit counts usable rows") {
  const TemporaryDirectory folder;
  write_file(folder.file("rows.jsonl"), "nonsense\n" + kPair + "\n");
  CHECK(read_benchmark("pairs", folder.file("rows.jsonl"), {.limit = 1}).examples.size() == 1);
}

TEST_CASE("records of one's own whose array is cut are kept, and what is missing is a fault") {
  const TemporaryDirectory folder;
  write_file(folder.file("rows.json"), "[" + kPair);
  const DataSet data = read_benchmark("pairs", folder.file("rows.json"));
  CHECK(data.examples.size() == 1);
  REQUIRE(data.faults.size() == 1);
  CHECK(contains(data.faults[0].message, "not closed"));
}

TEST_CASE("files that are not the benchmark's are refused with what was expected and where it is to be had") {
  const TemporaryDirectory folder;
  const auto refusal = [&](const char* benchmark, const std::string& bytes) {
    write_file(folder.file("rows.json"), bytes);
    return message_of<InvalidInput>([&] { read_benchmark(benchmark, folder.file("rows.json")); });
  };
  CHECK(contains(refusal("pairs", ""), "It is empty"));
  CHECK(contains(refusal("pairs", "[]"), "It is empty"));
  CHECK(contains(refusal("rewardbench", "[" + kPair), "not closed"));
  CHECK(contains(refusal("rewardbench", "<html>\n</html>"), "huggingface.co/datasets/allenai/reward-bench"));
  CHECK(contains(refusal("judgebench", kPair), "pair_id"));
  CHECK(contains(refusal("processbench", kPair), "github.com/QwenLM/ProcessBench"));
}

TEST_CASE("paths: none there, none of the files, some of the files, a repository's folder") {
  const TemporaryDirectory folder;
  const auto refusal = [&](const char* benchmark, const std::string& path) {
    return message_of<InvalidInput>([&] { read_benchmark(benchmark, path); });
  };
  CHECK(contains(refusal("rm-bench", folder.file("nowhere")), "github.com/THU-KEG/RM-Bench"));
  CHECK(contains(refusal("rm-bench", folder.file("")), "math_filtered.json"));
  write_file(folder.file("0000.parquet"), "PAR1");
  CHECK(contains(refusal("rewardbench2", folder.file("")), "to_json"));

  std::filesystem::create_directory(folder.file("data"));
  write_file(folder.file("data/chat_filtered.json"), "[" + kRm + "]");
  const DataSet data = read_benchmark("rm-bench", folder.file(""));
  CHECK(data.examples.at(0).request.id == "chat/1");
  REQUIRE(data.notes.size() == 4);
  CHECK(contains(data.notes[0], "math_filtered.json"));

  for (const char* part : {"Natural", "Adversarial/Manual"}) {
    std::filesystem::create_directories(folder.file(std::string("llmbar/") + part));
    write_file(folder.file(std::string("llmbar/") + part + "/dataset.json"),
               R"([{"input": "Q", "output_1": "x", "output_2": "y", "label": 1}])");
  }
  const DataSet bar = read_benchmark("llmbar", folder.file("llmbar"));
  REQUIRE(bar.examples.size() == 2);
  CHECK(bar.examples[0].subset == "Natural");
  CHECK(bar.examples[1].subset == "Manual");
  CHECK(read_benchmark("llmbar", folder.file("llmbar/Adversarial/Manual/dataset.json")).examples.at(0).subset ==
        "Manual");
}

}  // namespace
}  // namespace endorm
