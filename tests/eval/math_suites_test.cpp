// Suites: hand rows of each, files of one's own, hostile rows, and the published files.
#include "eval/math_suites.h"

#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "eval/math_prompt.h"
#include "grade/grade.h"
#include "tests/paths.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

std::string question_of(const Example& problem) { return problem.request.messages.at(0).content; }

using nlohmann::json;

DataSet read(const std::vector<std::string>& suites, const std::vector<std::string>& directories,
             const ReadOptions& options = {}) {
  return read_math_suites(suites, directories, options);
}

// The one problem of a suite's file with this row.
Example problem_of(const std::string& suite, const std::string& file, const std::string& row) {
  const TemporaryDirectory directory;
  std::filesystem::create_directories(std::filesystem::path(directory.file(file)).parent_path());
  write_file(directory.file(file), row + "\n");
  const DataSet set = read({suite}, {directory.file("")});
  REQUIRE(set.faults.empty());
  REQUIRE(set.examples.size() == 1);
  CHECK(set.examples[0].subset == suite);
  CHECK(set.examples[0].request.key.size() == 16);
  return set.examples[0];
}

TEST_CASE("a hand row of each suite") {
  const Example aime = problem_of("aime24", "aime24.jsonl", R"({"id": 60, "problem": "Q", "answer": "204"})");
  CHECK(aime.request.id == "aime24/60");
  CHECK(question_of(aime) == "Q");
  CHECK(aime.drawn->reference == "204");
  CHECK(problem_of("aime25", "aime25/test.jsonl", R"({"problem": "Q", "answer": "70"})").request.id == "aime25/1");
  CHECK(problem_of("amc23", "amc23.jsonl", R"({"id": 0, "problem": "Q", "answer": 27.0})").drawn->reference == "27.0");
  const Example math = problem_of(
      "math500", "MATH-500/test.jsonl",
      R"({"problem": "Q", "solution": "S", "answer": "p - q", "subject": "Algebra", "level": 2, "unique_id": "test/7.json"})");
  CHECK(math.request.id == "math500/test/7.json");
  CHECK(math.subject == "Algebra");
  CHECK(math.level == "2");
  const Example minerva = problem_of(
      "minerva", "minerva_math.jsonl",
      R"({"problem": "Q", "solution": "first \\boxed{2}. Then \\boxed{4.5e33} ergs", "type": "Astronomy", "idx": 1})");
  CHECK(minerva.drawn->reference == "4.5e33");
  CHECK(minerva.subject == "Astronomy");
  const Example olympiad = problem_of(
      "olympiadbench", "olympiadbench.jsonl",
      R"({"id": 2, "subfield": "Algebra", "context": "C", "question": "Q", "final_answer": ["$1$", "2"], "error": "1e-1"})");
  CHECK(question_of(olympiad) == "C\n\nQ");
  CHECK(olympiad.drawn->reference == "$1$, 2");
  CHECK(olympiad.drawn->tolerance == 0.1);
  const Example gsm8k = problem_of("gsm8k", "gsm8k/test.jsonl", R"({"question": "Q", "answer": "1+1=2\n#### 1,234"})");
  CHECK(gsm8k.drawn->reference == "1,234");
  CHECK(gsm8k.request.id == "gsm8k/1");
  const Example sat =
      problem_of("sat", "sat_math.jsonl", R"({"id": "3", "question": "Q", "options": "A) 1 B) 2", "Answer": "B"})");
  CHECK(question_of(sat) == "Q\nAnswer choices: A) 1 B) 2");
  CHECK(sat.drawn->reference == "B");
}

TEST_CASE("a file of one's own") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("mine.jsonl");
  write_file(path,
             "{\"question\": \"a?\", \"answer\": 5}\n\n"
             "{\"id\": 7, \"problem\": \"b?\", \"answer\": [\"2\", \"-2\"], \"subject\": \"algebra\", \"level\": 3, "
             "\"tolerance\": 0.5}\n"
             "{\"question\": \"c?\", \"answer\": 0.1}\n");
  const DataSet set = read({path}, {});
  REQUIRE(set.examples.size() == 3);
  CHECK(set.examples[0].request.id == "mine/1");
  CHECK(set.examples[0].drawn->reference == "5");
  CHECK(set.examples[1].request.id == "mine/7");
  CHECK(set.examples[1].drawn->reference == "2, -2");
  CHECK(set.examples[1].subject == "algebra");
  CHECK(set.examples[1].level == "3");
  CHECK(set.examples[1].drawn->tolerance == 0.5);
  CHECK(set.examples[2].drawn->reference == "0.1");
  REQUIRE(set.files.size() == 1);
  CHECK(set.files[0].path == "mine.jsonl");
  CHECK(set.files[0].rows == 3);
  CHECK(set.files[0].sha256.size() == 64);
}

TEST_CASE("every part of a problem is in its key") {
  const std::string base = R"("question": "a?", "answer": "5")";
  std::set<std::string> keys;
  const std::vector<std::string> rows = {base,
                                         base + R"(, "id": "x")",
                                         base + R"(, "subject": "s")",
                                         base + R"(, "level": "s")",
                                         base + R"(, "tolerance": 0.5)",
                                         R"("question": "b?", "answer": "5")",
                                         R"("question": "a?", "answer": "6")"};
  for (const std::string& row : rows) {
    const TemporaryDirectory directory;
    write_file(directory.file("s.json"), "[{" + row + "}]");
    keys.insert(read({directory.file("s.json")}, {}).examples.at(0).request.key);
  }
  CHECK(keys.size() == rows.size());
}

TEST_CASE("rows that cannot be used are told by number and reason, without a path") {
  const TemporaryDirectory directory;
  write_file(directory.file("s.jsonl"),
             "{\"question\": \"good?\", \"answer\": 1}\n"
             "not json\n"
             "{\"question\": \"?\"}\n"
             "{\"answer\": 1}\n"
             "{\"question\": \"  \", \"answer\": 1}\n"
             "{\"question\": \"?\", \"answer\": \"\"}\n"
             "{\"question\": \"?\", \"answer\": [1, 2]}\n"
             "{\"question\": \"?\", \"answer\": []}\n"
             "{\"question\": \"?\", \"answer\": true}\n"
             "{\"question\": \"?\", \"answer\": 1, \"tolerance\": -1}\n"
             "{\"question\": \"?\", \"answer\": 1, \"tolerance\": \"1\"}\n"
             "{\"question\": \"?\", \"answer\": \"1/0\"}\n"
             "{\"question\": [\"?\"], \"answer\": 1}\n"
             "{\"question\": \"?\", \"question\": \"!\", \"answer\": 1}\n"
             "{\"id\": \"1\", \"question\": \"twice?\", \"answer\": 1}\n"
             "{\"question\": null, \"answer\": 1}\n"
             "[1]\n");
  const DataSet set = read({directory.file("s.jsonl")}, {});
  CHECK(set.examples.size() == 1);
  REQUIRE(set.faults.size() == 16);
  for (std::size_t i = 0; i < set.faults.size(); ++i) {
    CHECK(set.faults[i].row == i + 2);
    CHECK(set.faults[i].file == "s.jsonl");
    CHECK(!set.faults[i].message.empty());
  }
  CHECK(contains(set.faults[4].message, "cannot be graded against"));
  CHECK(contains(set.faults[13].message, "there before"));
}

TEST_CASE("faults that only one suite can have") {
  const TemporaryDirectory directory;
  write_file(directory.file("gsm8k.jsonl"),
             "{\"question\": \"?\", \"answer\": \"#### 1\"}\n{\"question\": \"?\", \"answer\": \"1\"}\n");
  write_file(directory.file("sat.jsonl"),
             "{\"id\": 1, \"question\": \"?\", \"options\": \"A) 1\", \"Answer\": \"A\"}\n"
             "{\"id\": 2, \"question\": \"?\", \"options\": \"A) 1\", \"Answer\": \"1\"}\n");
  write_file(directory.file("minerva.jsonl"),
             "{\"idx\": 1, \"problem\": \"?\", \"solution\": \"\\\\boxed{1}\", \"type\": \"t\"}\n"
             "{\"idx\": 2, \"problem\": \"?\", \"solution\": \"it is 1\", \"type\": \"t\"}\n");
  write_file(
      directory.file("olympiadbench.jsonl"),
      "{\"id\": 1, \"subfield\": \"s\", \"question\": \"?\", \"final_answer\": [\"1\"]}\n"
      "{\"id\": 2, \"subfield\": \"s\", \"question\": \"?\", \"final_answer\": [\"1\"], \"error\": \"1e-1,1e-2\"}\n");
  const DataSet set = read({"gsm8k", "sat", "minerva", "olympiadbench"}, {directory.file("")});
  CHECK(set.examples.size() == 4);
  REQUIRE(set.faults.size() == 4);
  CHECK(contains(set.faults[0].message, "####"));
  CHECK(contains(set.faults[1].message, "letter of an option"));
  CHECK(contains(set.faults[2].message, "\\boxed"));
  CHECK(contains(set.faults[3].message, "1e-1,1e-2"));
}

TEST_CASE("what cannot be read at all is refused, with what was looked for and where it is to be had") {
  const TemporaryDirectory directory;
  const auto message = [&](const std::vector<std::string>& suites, const ReadOptions& options = {}) {
    return message_of<InvalidInput>([&] { read(suites, {directory.file("")}, options); });
  };
  CHECK(contains(message({"aime99"}), "aime24, aime25"));
  CHECK(contains(message({"gsm8k"}), "github.com/openai/grade-school-math"));
  CHECK(contains(message({"gsm8k"}), "gsm8k/test.jsonl"));
  CHECK(contains(message({directory.file("none.jsonl")}), "cannot be read"));
  write_file(directory.file("empty.jsonl"), "");
  CHECK(contains(message({directory.file("empty.jsonl")}), "It is empty"));
  write_file(directory.file("bad.jsonl"), "{\"question\": \"?\"}\n");
  CHECK(contains(message({directory.file("bad.jsonl")}), "The first is row 1"));
  write_file(directory.file("open.json"), "[{\"question\": \"?\", \"answer\": 1}");
  CHECK(contains(message({directory.file("open.json")}), "open.json"));
  write_file(directory.file("good.jsonl"), "{\"question\": \"?\", \"answer\": 1}\n");
  CHECK(contains(message({directory.file("good.jsonl"), directory.file("good.jsonl")}), "stands twice"));
  ReadOptions nothing;
  nothing.limit = 0;
  CHECK(contains(message({directory.file("good.jsonl")}, nothing), "limit of 0"));
}

TEST_CASE("a limit takes the first problems, with a seed a choice in their order; directories are searched in turn") {
  const TemporaryDirectory directory;
  std::filesystem::create_directories(directory.file("gsm8k"));
  std::string rows;
  for (int i = 1; i <= 30; ++i) {
    rows += "{\"question\": \"q" + std::to_string(i) + "\", \"answer\": \"#### 1\"}\n";
  }
  write_file(directory.file("gsm8k/test.jsonl"), rows);
  for (const std::string& place : {directory.file(""), directory.file("gsm8k"), directory.file("gsm8k/")}) {
    const DataSet set = read({"gsm8k"}, {directory.file("nowhere"), place}, {.limit = 5, .sample_seed = {}});
    REQUIRE(set.examples.size() == 5);
    CHECK(question_of(set.examples[4]) == "q5");
  }
  const DataSet chosen = read({"gsm8k"}, {directory.file("")}, {.limit = 5, .sample_seed = 1});
  std::vector<int> numbers;
  for (const Example& problem : chosen.examples) {
    numbers.push_back(std::stoi(question_of(problem).substr(1)));
  }
  CHECK(std::is_sorted(numbers.begin(), numbers.end()));
  CHECK(numbers != std::vector<int>{1, 2, 3, 4, 5});
  CHECK(std::set<int>(numbers.begin(), numbers.end()).size() == 5);
}

const std::string kData = source_path("../shared/data/");

TEST_CASE("the published files: every row is a problem, and its worked solution is right") {
  if (!std::filesystem::exists(kData + "math_suites")) {
    MESSAGE("SKIPPED: no ", kData + "math_suites");
    return;
  }
  const std::map<std::string, std::size_t> sizes = {{"aime24", 30},   {"aime25", 30},   {"amc23", 40},
                                                    {"math500", 500}, {"minerva", 272}, {"olympiadbench", 675},
                                                    {"gsm8k", 1319},  {"sat", 32}};
  std::vector<std::string> names;
  for (const BenchmarkName& suite : math_suite_names()) {
    names.emplace_back(suite.name);
  }
  CHECK(names.size() == sizes.size());
  const DataSet set = read(names, {kData + "math_suites", kData});
  for (const RowFault& fault : set.faults) {
    MESSAGE(fault.file, " row ", fault.row, ": ", fault.message);
  }
  CHECK(set.faults.empty());
  std::map<std::string, std::size_t> found;
  std::set<std::string> ids;
  std::set<std::string> subjects;
  for (const Example& problem : set.examples) {
    CAPTURE(problem.request.id);
    ++found[problem.subset];
    ids.insert(problem.request.id);
    if (problem.subset == "math500") {
      subjects.insert(problem.subject);
      CHECK(problem.level.size() == 1);
    }
    CHECK((problem.drawn->tolerance > 0.0) == (problem.request.id == "olympiadbench/2592"));
    if (problem.request.id == "olympiadbench/1965") {
      continue;  // a sentence with conditions: no grader reads it in a box
    }
    CHECK(grade("We find \\boxed{" + problem.drawn->reference + "}.", problem.drawn->reference).verdict ==
          Verdict::kCorrect);
  }
  CHECK(found == sizes);
  CHECK(ids.size() == set.examples.size());
  CHECK(subjects.size() == 7);
  // Solutions that end with their answer, as the files have them.
  std::map<std::string, Example> by_id;
  for (const Example& problem : set.examples) {
    by_id[problem.request.id] = problem;
  }
  const auto check_solutions = [&](const std::string& file, const std::string& prefix, const char* id,
                                   const char* solution) {
    const std::string bytes = read_file(kData + file);
    std::size_t number = 0;
    std::size_t wrong = 0;
    for (std::size_t begin = 0; begin < bytes.size(); begin = bytes.find('\n', begin) + 1) {
      const json row = json::parse(bytes.substr(begin, bytes.find('\n', begin) - begin));
      ++number;
      const std::string name = id == nullptr            ? std::to_string(number)
                               : row.at(id).is_string() ? row.at(id).get<std::string>()
                                                        : row.at(id).dump();
      const Example& problem = by_id.at(prefix + name);
      const Grade found_grade = grade(row.at(solution).get<std::string>(), problem.drawn->reference);
      // One solution gives its answer twice in two spellings, each in a box.
      if (problem.request.id == "math500/test/number_theory/459.json") {
        continue;
      }
      if (found_grade.verdict != Verdict::kCorrect) {
        ++wrong;
        MESSAGE(problem.request.id, ": ", found_grade.answer_normal, " for ", problem.drawn->reference);
      }
    }
    CHECK(wrong == 0);
  };
  check_solutions("gsm8k/test.jsonl", "gsm8k/", nullptr, "answer");
  check_solutions("math_suites/minerva_math.jsonl", "minerva/", "idx", "solution");
  check_solutions("math_suites/math500.jsonl", "math500/", "unique_id", "solution");
}

TEST_CASE("the prompt: instruction, place, worked examples; all of it is in the hash") {
  MathPrompt prompt;
  std::vector<Message> messages = math_messages(prompt, "2 + 3?");
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].role == "user");
  CHECK(messages[0].content == "2 + 3?\nPlease reason step by step, and put your final answer within \\boxed{}.");
  std::set<std::string> hashes = {math_prompt_hash(prompt)};
  prompt.place = InstructionPlace::kSystem;
  hashes.insert(math_prompt_hash(prompt));
  prompt.shots = {{"1 + 1?", "2"}};
  hashes.insert(math_prompt_hash(prompt));
  messages = math_messages(prompt, "2 + 3?");
  REQUIRE(messages.size() == 4);
  CHECK(messages[0].role == "system");
  CHECK(messages[1].content == "1 + 1?");
  CHECK(messages[2].role == "assistant");
  CHECK(messages[2].content == "2");
  CHECK(messages[3].content == "2 + 3?");
  prompt.instruction = "Be brief.";
  hashes.insert(math_prompt_hash(prompt));
  prompt.base = true;
  hashes.insert(math_prompt_hash(prompt));
  prompt.instruction = "";
  hashes.insert(math_prompt_hash(prompt));
  CHECK(hashes.size() == 6);
  CHECK(math_messages(prompt, "2 + 3?").size() == 3);
}

TEST_CASE("worked examples are read, and what is none is told") {
  const TemporaryDirectory directory;
  write_file(directory.file("a.jsonl"),
             "{\"question\": \"1 + 1?\", \"answer\": \"It is 2.\"}\n{\"question\": \"2 + 2?\", \"answer\": 4}\n");
  const std::vector<WorkedExample> shots = read_worked_examples(directory.file("a.jsonl"));
  REQUIRE(shots.size() == 2);
  CHECK(shots[1].answer == "4");
  write_file(directory.file("b.jsonl"), "{\"question\": \"1 + 1?\", \"answer\": \"2\"}\n{\"question\": \"2 + 2?\"}\n");
  CHECK(contains(message_of<InvalidInput>([&] { read_worked_examples(directory.file("b.jsonl")); }), "row 2"));
  write_file(directory.file("c.jsonl"), "{\"question\": \"1 + 1?\", \"answer\": \" \"}\n");
  CHECK(contains(message_of<InvalidInput>([&] { read_worked_examples(directory.file("c.jsonl")); }), "row 1"));
  write_file(directory.file("d.jsonl"), "\n");
  CHECK(contains(message_of<InvalidInput>([&] { read_worked_examples(directory.file("d.jsonl")); }), "is empty"));
  CHECK_THROWS_AS(read_worked_examples(directory.file("none")), InvalidInput);
}

}  // namespace
}  // namespace endorm
