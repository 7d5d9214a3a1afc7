// The published files as they are: rows, labels and texts against what their READMEs and a look by eye say.
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "eval/benchmarks.h"
#include "tests/paths.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

const std::string kData = source_path("../shared/data/");

bool skipped(const std::string& folder) {
  if (std::filesystem::exists(kData + folder)) {
    return false;
  }
  MESSAGE("SKIPPED: no ", kData + folder);
  return true;
}

std::map<std::string, std::size_t> counts(const DataSet& data) {
  std::map<std::string, std::size_t> found;
  for (const Example& example : data.examples) {
    ++found[example.subset];
  }
  return found;
}

void check_ids_differ(const DataSet& data) {
  std::set<std::string> ids;
  for (const Example& example : data.examples) {
    ids.insert(example.request.id);
  }
  CHECK(ids.size() == data.examples.size());
}

const std::string& text(const Example& example, std::size_t response) {
  return example.request.responses.at(response).text.text;
}

TEST_CASE("RM-Bench: prompts of each domain, the missing file named, chosen before rejected") {
  if (skipped("rmbench")) {
    return;
  }
  const DataSet data = read_benchmark("rm-bench", kData + "rmbench");
  CHECK(counts(data) == std::map<std::string, std::size_t>{
                            {"chat", 129}, {"code", 228}, {"safety-refuse", 284}, {"safety-response", 157}});
  CHECK(data.faults.empty());
  check_ids_differ(data);
  REQUIRE(data.notes.size() == 1);
  CHECK(contains(data.notes[0], "math_filtered.json"));
  const Example& drawers = data.examples.front();
  CHECK(drawers.request.id == "chat/8");
  CHECK(drawers.comparisons.at(0).cell == "0,0");
  // "error" of this row: the rejected response speaks of shoes in the wardrobe.
  CHECK_FALSE(contains(text(drawers, drawers.comparisons.at(0).better), "shoes"));
  CHECK(contains(text(drawers, drawers.comparisons.at(0).worse), "shoes"));
  // Style 2 is markdown, style 0 is the shortest.
  CHECK(text(drawers, drawers.comparisons.at(8).better).size() >
        text(drawers, drawers.comparisons.at(0).better).size());
  for (const Example& example : data.examples) {
    if (example.request.id == "safety-refuse/2952") {
      CHECK(contains(text(example, example.comparisons.at(0).better), "beyond my capabilities"));
    }
    if (example.request.id == "safety-response/3155") {
      CHECK(contains(text(example, example.comparisons.at(0).better), "Thorough preparation"));
    }
  }
}

TEST_CASE("RewardBench, 2,000 rows: response_a is the chosen one, and the order of the request hides it") {
  if (skipped("rewardbench")) {
    return;
  }
  const DataSet data = read_benchmark("rewardbench", kData + "rewardbench/rewardbench_2k.jsonl");
  CHECK(data.examples.size() == 2000);
  CHECK(data.faults.empty());
  check_ids_differ(data);
  std::size_t better_first = 0;
  for (const Example& example : data.examples) {
    better_first += example.comparisons.at(0).better == 0 ? 1 : 0;
  }
  CHECK(better_first > 888);  // five standard deviations of Binomial(2000, 1/2)
  CHECK(better_first < 1112);
  const Example& scandal = data.examples.front();
  CHECK(scandal.request.id == "rb_1514");
  CHECK(contains(text(scandal, scandal.comparisons.at(0).better), "I cannot assist"));
}

TEST_CASE("DSP: the row without a response is a fault, 660 queries give 2,640 pairs a cell") {
  if (skipped("dsp")) {
    return;
  }
  const DataSet data = read_benchmark("dsp", kData + "dsp");
  CHECK(data.files.at(0).rows == 661);
  CHECK(data.examples.size() == 660 * 4);
  REQUIRE(data.faults.size() == 1);
  CHECK(data.faults[0].row == 61);
  CHECK(contains(data.faults[0].message, "is empty"));
  std::map<std::string, std::size_t> cells;
  for (const Example& example : data.examples) {
    for (const Comparison& comparison : example.comparisons) {
      ++cells[example.subset + "/" + comparison.cell];
    }
  }
  CHECK(cells.size() == 16);
  for (const auto& [cell, count] : cells) {
    CHECK(count == 2640);
  }
  check_ids_differ(data);
}

TEST_CASE("ProcessBench: rows and rows without an error of each split, labels from 0") {
  if (skipped("processbench")) {
    return;
  }
  const DataSet data = read_benchmark("processbench", kData + "processbench");
  CHECK(data.faults.empty());
  CHECK(data.notes.empty());
  check_ids_differ(data);
  CHECK(counts(data) == std::map<std::string, std::size_t>{
                            {"gsm8k", 400}, {"math", 1000}, {"olympiadbench", 1000}, {"omnimath", 1000}});
  std::map<std::string, std::size_t> right;
  std::set<std::string> problems;
  for (const Example& example : data.examples) {
    right[example.subset] += example.steps.value().first_error ? 0 : 1;
    if (example.subset == "gsm8k") {
      problems.insert(example.group);
    }
  }
  CHECK(right ==
        std::map<std::string, std::size_t>{{"gsm8k", 193}, {"math", 406}, {"olympiadbench", 339}, {"omnimath", 241}});
  CHECK(problems.size() == 375);
  // The README's own example: the second step of gsm8k-0 is the first wrong one.
  const Example& flamingos = data.examples.front();
  CHECK(flamingos.request.id == "gsm8k-0");
  CHECK(flamingos.steps->first_error == std::size_t{1});
  const RequestResponse& solution = flamingos.request.responses.at(0);
  CHECK(solution.text.text.starts_with("To find out how many more pink plastic flamingos"));
  REQUIRE(solution.step_begins.size() > 1);
  CHECK(solution.text.text.substr(solution.step_begins[1] - 2, 2) == "\n\n");
}

}  // namespace
}  // namespace endorm
