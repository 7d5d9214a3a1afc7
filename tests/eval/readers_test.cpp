// Readers on rows written here: labels, cells, subsets, groups, alternatives and the order of responses.
#include <algorithm>
#include <set>
#include <string>
#include <tuple>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "eval/benchmarks.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

using Texts = std::vector<std::string>;

DataSet read_text(std::string_view benchmark, std::string_view bytes, const ReadOptions& options = {}) {
  const TemporaryDirectory folder;
  const std::string path = folder.file("mine.jsonl");
  write_file(path, bytes);
  return read_benchmark(benchmark, path, options);
}

const std::string& response(const Example& example, std::size_t index) {
  return example.request.responses.at(index).text.text;
}

// The comparisons as "cell: better > worse", in the example's order.
Texts preferences(const Example& example) {
  Texts texts;
  for (const Comparison& comparison : example.comparisons) {
    texts.push_back(comparison.cell + ": " + response(example, comparison.better) + " > " +
                    response(example, comparison.worse));
  }
  return texts;
}

TEST_CASE("rm-bench: nine pairs by style") {
  const DataSet data = read_text(
      "rm-bench",
      R"([{"id": 8, "domain": "code", "prompt": "Q", "chosen": ["c0", "c1", "c2"], "rejected": ["r0", "r1", "r2"]}])");
  REQUIRE(data.examples.size() == 1);
  const Example& example = data.examples.front();
  CHECK(preferences(example) == Texts{"0,0: c0 > r0", "0,1: c0 > r1", "0,2: c0 > r2", "1,0: c1 > r0", "1,1: c1 > r1",
                                      "1,2: c1 > r2", "2,0: c2 > r0", "2,1: c2 > r1", "2,2: c2 > r2"});
  CHECK(example.subset == "code");
  CHECK(example.request.id == "code/8");
  CHECK(example.group == example.request.id);
}

TEST_CASE("pairs in every spelling of the label") {
  using Case = std::tuple<const char*, const char*, const char*>;
  for (const auto& [benchmark, text, subset] : {
           Case{"rewardbench", R"({"prompt": "Q", "response_a": "good", "response_b": "bad", "label": "A"})", ""},
           Case{"rewardbench", R"({"prompt": "Q", "response_a": "bad", "response_b": "good", "label": "B"})", ""},
           Case{"rewardbench", R"({"prompt": "Q", "chosen": "good", "rejected": "bad", "subset": "hep-go"})", "hep-go"},
           Case{"judgebench",
                R"({"pair_id": "p", "original_id": "7", "source": "livebench-math", "question": "Q",)"
                R"( "response_A": "bad", "response_B": "good", "label": "B>A"})",
                "livebench-math"},
           Case{"judgebench",
                R"({"pair_id": "p", "source": "livecodebench", "question": "Q", "response_A": "good",)"
                R"( "response_B": "bad", "label": "A>B"})",
                "livecodebench"},
           Case{"llmbar", R"({"input": "Q", "output_1": "bad", "output_2": "good", "label": 2})", "mine"},
           Case{"pairs", R"({"prompt": "Q", "chosen": "good", "rejected": "bad", "subset": "s"})", "s"},
           Case{"pairs",
                R"({"chosen": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "good"}],)"
                R"( "rejected": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "bad"}]})",
                "mine"},
       }) {
    INFO(benchmark, " ", text);
    const DataSet data = read_text(benchmark, text);
    REQUIRE(data.examples.size() == 1);
    const Example& example = data.examples.front();
    CHECK(preferences(example) == Texts{": good > bad"});
    CHECK(example.subset == subset);
    CHECK(example.request.messages.back().content == "Q");
    CHECK_FALSE(example.request.chosen_first);
  }
}

TEST_CASE("the order of responses does not tell the label, and depends on seed and id alone") {
  std::string rows;
  for (int i = 0; i < 400; ++i) {
    rows += R"({"id": "r)" + std::to_string(i) +
            R"(", "prompt": "Q", "response_a": "good", "response_b": "bad", "label": "A"})" + "\n";
  }
  const auto first_is_good = [&](std::uint64_t seed) {
    ReadOptions options;
    options.order_seed = seed;
    std::vector<bool> first;
    for (const Example& example : read_text("rewardbench", rows, options).examples) {
      first.push_back(response(example, 0) == "good");
    }
    return first;
  };
  const std::vector<bool> found = first_is_good(0);
  REQUIRE(found.size() == 400);
  // Binomial(400, 1/2): five standard deviations are 50.
  CHECK(std::abs(std::count(found.begin(), found.end(), true) - 200) <= 50);
  CHECK(found == first_is_good(0));
  CHECK(found != first_is_good(1));
}

TEST_CASE("keys differ where anything asked or known differs") {
  std::set<std::string> keys;
  std::size_t rows = 0;
  for (const char* text : {R"({"id": "a", "prompt": "Q", "chosen": "x", "rejected": "y"})",
                           R"({"id": "a", "prompt": "Q", "chosen": "y", "rejected": "x"})",
                           R"({"id": "a", "prompt": "R", "chosen": "x", "rejected": "y"})",
                           R"({"id": "b", "prompt": "Q", "chosen": "x", "rejected": "y"})",
                           R"({"id": "a", "prompt": "Q", "chosen": "x", "rejected": "y", "subset": "s"})",
                           R"({"id": "a", "prompt": "Q", "chosen": "x", "rejected": "y", "alternatives": ["z"]})",
                           R"({"id": "a", "prompt": "Q", "chosen": "xy", "rejected": "z"})",
                           R"({"id": "a", "system": "S", "prompt": "Q", "chosen": "x", "rejected": "y"})"}) {
    ++rows;
    keys.insert(read_text("pairs", text).examples.at(0).request.key);
  }
  CHECK(keys.size() == rows);
}

TEST_CASE("rewardbench2: which are right, and what of Ties is drawn together") {
  const DataSet data =
      read_text("rewardbench2", R"({"id": "5", "prompt": "Q", "chosen": ["yes"], "rejected": ["a", "b", "c"],)"
                                R"( "subset": "Math"})"
                                "\n"
                                R"({"id": "ref:3", "prompt": "Q", "chosen": ["yes"], "rejected": ["a"],)"
                                R"( "subset": "Ties"})"
                                "\n"
                                R"({"id": "tied:3", "prompt": "Q", "chosen": ["yes", "yes!"], "rejected": ["a"],)"
                                R"( "subset": "Ties"})");
  REQUIRE(data.examples.size() == 3);
  for (const Example& example : data.examples) {
    REQUIRE(example.correct.size() == example.request.responses.size());
    CHECK(example.comparisons.empty());
    for (std::size_t i = 0; i < example.correct.size(); ++i) {
      CHECK(example.correct[i] == response(example, i).starts_with("yes"));
    }
  }
  CHECK(data.examples[1].group == data.examples[2].group);
  CHECK(data.examples[0].group != data.examples[1].group);
}

constexpr const char* kDspRow = R"({"query": "Q", "responses": {"academy": "A", "business": "B", "literature": "L",)"
                                R"( "entertainment": "E", "normal": "N"}})";

TEST_CASE("dsp: each domain's response against the four others, under each persona") {
  const DataSet data = read_text("dsp", kDspRow);
  REQUIRE(data.examples.size() == 4);
  std::set<std::string> systems;
  for (const Example& example : data.examples) {
    CHECK(preferences(example) == Texts{"academy: A > B", "academy: A > L", "academy: A > E", "academy: A > N",
                                        "business: B > A", "business: B > L", "business: B > E", "business: B > N",
                                        "literature: L > A", "literature: L > B", "literature: L > E",
                                        "literature: L > N", "entertainment: E > A", "entertainment: E > B",
                                        "entertainment: E > L", "entertainment: E > N"});
    REQUIRE(example.request.messages.size() == 2);
    CHECK(example.request.messages[0].role == "system");
    systems.insert(example.request.messages[0].content);
    CHECK(example.request.alternatives.size() == 3);
    for (const std::string& alternative : example.request.alternatives) {
      CHECK(alternative != example.request.messages[0].content);
    }
    CHECK(example.group == "1");
  }
  CHECK(systems.size() == 4);
  CHECK(contains(data.examples[0].request.messages[0].content, "experienced researcher"));
  CHECK(data.examples[0].subset == "academy");

  const DataSet plain = read_text("dsp", kDspRow, {.system_messages = false});
  REQUIRE(plain.examples.size() == 1);
  CHECK(plain.examples[0].request.messages.size() == 1);
  CHECK(plain.examples[0].request.alternatives.empty());
  CHECK(plain.examples[0].subset == "none");
  CHECK(plain.examples[0].comparisons.size() == 16);
}

constexpr const char* kMultifacetedRows =
    R"({"main_source": "Nectar", "system": "S1", "prompt": "Q", "output": "O1"})"
    "\n"
    R"({"main_source": "domain_specific_preference", "system": "S4", "prompt": "Q2", "output": "O4"})"
    "\n"
    R"({"main_source": "Nectar", "system": "S2", "prompt": "Q", "output": "O2"})"
    "\n"
    R"({"main_source": "Nectar", "system": "S3", "prompt": "Q", "output": "O3"})"
    "\n"
    R"({"main_source": "domain_specific_preference", "system": "S5", "prompt": "Q2", "output": "O5"})"
    "\n"
    R"({"main_source": "Nectar", "system": "S6", "prompt": "alone", "output": "O6"})"
    "\n"
    R"({"main_source": "Nectar", "system": "S1", "prompt": "Q", "output": "again"})";

TEST_CASE("multifaceted: all ordered pairs of an instruction's responses, wherever its rows stand") {
  const DataSet data = read_text("multifaceted", kMultifacetedRows);
  REQUIRE(data.examples.size() == 5);
  CHECK(preferences(data.examples[0]) == Texts{": O1 > O2", ": O1 > O3"});
  CHECK(preferences(data.examples[1]) == Texts{": O2 > O1", ": O2 > O3"});
  CHECK(preferences(data.examples[2]) == Texts{": O3 > O1", ": O3 > O2"});
  CHECK(preferences(data.examples[3]) == Texts{": O4 > O5"});
  CHECK(data.examples[1].request.messages[0].content == "S2");
  CHECK(data.examples[1].request.alternatives == Texts{"S1", "S3"});
  CHECK(data.examples[0].group == data.examples[2].group);
  CHECK(data.examples[0].subset == "Nectar");
  CHECK(data.examples[3].subset == "DSP");
  REQUIRE(data.faults.size() == 2);
  CHECK(data.faults[0].row == 6);
  CHECK(contains(data.faults[0].message, "no second row"));
  CHECK(data.faults[1].row == 7);
  CHECK(contains(data.faults[1].message, "stands twice"));

  const DataSet plain = read_text("multifaceted", kMultifacetedRows, {.system_messages = false});
  REQUIRE(plain.examples.size() == 2);
  CHECK(plain.examples[0].comparisons.size() == 6);
  for (const Example& example : plain.examples) {
    CHECK(example.request.messages.size() == 1);
    CHECK(example.request.alternatives.empty());
  }
  CHECK(read_text("multifaceted", kMultifacetedRows, {.limit = 1}).examples.size() == 3);
}

TEST_CASE("steps: where each begins, and the first wrong one counted from 0") {
  const char* row = R"({"id": "gsm8k-0", "problem": "P", "steps": ["one", "two", "three"], "label": 2})";
  const DataSet data = read_text("processbench", row, {.step_separator = "\n"});
  const Example& example = data.examples.at(0);
  CHECK(response(example, 0) == "one\ntwo\nthree");
  CHECK(example.request.responses[0].step_begins == std::vector<std::size_t>{0, 4, 8});
  CHECK(example.steps.value().first_error == std::size_t{2});
  CHECK_FALSE(example.steps->wrong.has_value());
  CHECK(example.subset == "mine");
  const DataSet none = read_text("processbench", R"({"id": "x", "problem": "P", "steps": ["one"], "label": -1})");
  CHECK_FALSE(none.examples.at(0).steps.value().first_error.has_value());

  const char* own = R"({"question": "P", "steps": ["one", "two", "three"], "wrong": [false, true, true]})";
  const Example labelled = read_text("steps", own).examples.at(0);
  CHECK(labelled.steps.value().first_error == std::size_t{1});
  CHECK(labelled.steps->wrong.value() == std::vector<bool>{false, true, true});
  CHECK(labelled.request.id == "mine/1");
}

TEST_CASE("prmbench: steps counted from 1, and the unmodified solution from rows of redundancy") {
  const DataSet data = read_text(
      "prmbench",
      R"({"idx": "confidence_a_1", "classification": "confidence", "modified_question": "M", "original_question": "O",)"
      R"( "modified_process": ["s1", "s2", "s3"], "original_process": ["o1"], "error_steps": [3, 2]})"
      "\n"
      R"({"idx": "a_1", "classification": "redundency", "modified_question": "M", "original_question": "O",)"
      R"( "modified_process": ["s1", "s2"], "original_process": ["o1"], "error_steps": [1]})");
  REQUIRE(data.examples.size() == 3);
  CHECK(data.examples[0].steps.value().wrong.value() == std::vector<bool>{false, true, true});
  CHECK(data.examples[0].steps->first_error == std::size_t{1});
  CHECK(data.examples[0].subset == "confidence");
  CHECK(data.examples[2].subset == "correct");
  CHECK(data.examples[2].steps.value().wrong.value() == std::vector<bool>{false});
  CHECK(data.examples[2].request.messages[0].content == "O");
  for (const Example& example : data.examples) {
    CHECK(example.group == "a_1");
  }
}

TEST_CASE("bestof: labels go with their responses") {
  const DataSet data = read_text(
      "bestof", R"({"id": 4, "prompt": "Q", "responses": ["no", "yes", "no!"], "correct": [false, true, false]})");
  const Example& example = data.examples.at(0);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(example.correct.at(i) == (response(example, i) == "yes"));
  }
  CHECK(example.request.id == "4");
}

TEST_CASE("a limit takes the first rows, a seed a fixed choice in the file's order") {
  std::string rows;
  for (int i = 0; i < 100; ++i) {
    rows += R"({"id": )" + std::to_string(i) + R"(, "prompt": "Q", "chosen": "x", "rejected": "y"})" + "\n";
  }
  const auto ids = [&](std::optional<std::uint64_t> seed) {
    std::vector<int> found;
    for (const Example& example : read_text("pairs", rows, {.limit = 10, .sample_seed = seed}).examples) {
      found.push_back(std::stoi(example.request.id));
    }
    return found;
  };
  CHECK(ids(std::nullopt) == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  const std::vector<int> chosen = ids(7);
  CHECK(chosen.size() == 10);
  CHECK(std::is_sorted(chosen.begin(), chosen.end()));
  CHECK(std::set<int>(chosen.begin(), chosen.end()).size() == 10);
  CHECK(chosen == ids(7));
  CHECK(chosen != ids(8));
  CHECK(chosen.back() > 9);
  CHECK(read_text("pairs", rows, {.limit = 1000, .sample_seed = 1}).examples.size() == 100);
  CHECK_THROWS_AS(read_text("pairs", rows, {.limit = 0}), InvalidInput);
}

TEST_CASE("every benchmark has its name, description, files and source") {
  const std::vector<BenchmarkName> names = benchmark_names();
  CHECK(names.size() == 12);
  for (const BenchmarkName& name : names) {
    CHECK_FALSE(name.description.empty());
    CHECK_FALSE(name.files.empty());
    CHECK_FALSE(name.source.empty());
    CHECK(contains(message_of<InvalidInput>([] { read_benchmark("no-such", "."); }), name.name));
  }
}

}  // namespace
}  // namespace endorm
