#include "eval/math_suites.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/content_hash.h"
#include "engine/read_whole_file.h"
#include "eval/chosen_rows.h"
#include "eval/row_reader.h"
#include "eval/row_texts.h"
#include "grade/extract.h"
#include "grade/grade.h"
#include "score/json_check.h"
#include "score/json_field.h"

namespace endorm {
namespace {

namespace fs = std::filesystem;

// A row on its way to a problem; the id is the row's own, empty where it has none.
using MathRowReader = MathProblem (*)(const JsonField& row);

struct MathSuite {
  BenchmarkName named;
  std::array<std::string_view, 2> stems;  // of its file, and of a directory with its test.jsonl
  MathRowReader read_row = nullptr;
};

// The answer that a worked solution ends with. Throws where it does not stand at the place that is expected.
std::string answer_of(const std::string& solution, AnswerPlace place, std::string_view expected) {
  ExtractedAnswer answer = extract_answer(solution);
  if (answer.place != place) {
    throw InvalidInput("the solution ends with no answer " + std::string(expected) + ".");
  }
  return std::move(answer.text);
}

MathProblem read_competition(const JsonField& row) {
  MathProblem problem;
  if (row.has("id")) {
    problem.id = row.at("id").text_or_integer();
  }
  problem.question = row.at("problem").text();
  problem.reference = row.at("answer").text_or_number();
  return problem;
}

MathProblem read_math500(const JsonField& row) {
  MathProblem problem;
  problem.id = row.at("unique_id").text();
  problem.subject = row.at("subject").text();
  problem.level = row.at("level").text_or_integer();
  problem.question = row.at("problem").text();
  problem.reference = row.at("answer").text();
  return problem;
}

MathProblem read_minerva(const JsonField& row) {
  MathProblem problem;
  problem.id = row.at("idx").text_or_integer();
  problem.subject = row.at("type").text();
  problem.question = row.at("problem").text();
  problem.reference = answer_of(row.at("solution").text(), AnswerPlace::kBox, "in \\boxed{}");
  return problem;
}

// A number that fills the whole text.
double tolerance_from(const std::string& text) {
  double number = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw InvalidInput("\"error\" is \"" + excerpt(text) + "\", expected a number.");
  }
  return number;
}

// A list of answers of which all must be given, as one reference.
std::string all_of(const std::vector<std::string>& answers) {
  std::string joined;
  for (const std::string& answer : answers) {
    joined += (joined.empty() ? "" : ", ") + answer;
  }
  return joined;
}

MathProblem read_olympiad(const JsonField& row) {
  MathProblem problem;
  problem.id = row.at("id").text_or_integer();
  problem.subject = row.at("subfield").text();
  problem.question = (row.has("context") ? row.at("context").text() + "\n\n" : "") + row.at("question").text();
  problem.reference = all_of(row.at("final_answer").texts());
  if (row.has("error")) {
    problem.tolerance = tolerance_from(row.at("error").text_or_number());
  }
  return problem;
}

MathProblem read_gsm8k(const JsonField& row) {
  MathProblem problem;
  problem.question = row.at("question").text();
  problem.reference = answer_of(row.at("answer").text(), AnswerPlace::kHashes, "behind \"####\"");
  return problem;
}

MathProblem read_sat(const JsonField& row) {
  MathProblem problem;
  problem.id = row.at("id").text_or_integer();
  problem.question = row.at("question").text() + "\nAnswer choices: " + row.at("options").text();
  problem.reference = row.at("Answer").text();
  if (choice_letter(problem.reference) == '\0') {
    throw InvalidInput("\"Answer\" is \"" + excerpt(problem.reference) + "\", expected the letter of an option.");
  }
  return problem;
}

std::string any_of(const JsonField& row, std::span<const std::string_view> fields) {
  for (const std::string_view field : fields) {
    if (row.has(field)) {
      return row.at(field).text();
    }
  }
  return row.at(fields.front()).text();  // says that it is missing
}

MathProblem read_own(const JsonField& row) {
  constexpr std::array<std::string_view, 2> kQuestions = {"question", "problem"};
  MathProblem problem;
  if (row.has("id")) {
    problem.id = row.at("id").text_or_integer();
  }
  if (row.has("subject")) {
    problem.subject = row.at("subject").text_or_integer();
  }
  if (row.has("level")) {
    problem.level = row.at("level").text_or_integer();
  }
  problem.question = any_of(row, kQuestions);
  const JsonField answer = row.at("answer");
  problem.reference = answer.is_list() ? all_of(answer.texts()) : answer.text_or_number();
  if (row.has("tolerance")) {
    problem.tolerance = row.at("tolerance").number();
  }
  return problem;
}

const std::vector<MathSuite>& suites() {
  static const std::vector<MathSuite> table = {
      {.named = {"aime24", "AIME 2024 I and II, 30 problems", "aime24.jsonl or aime24/test.jsonl",
                 "https://github.com/QwenLM/Qwen2.5-Math (evaluation/data/)"},
       .stems = {"aime24", "aime24"},
       .read_row = read_competition},
      {.named = {"aime25", "AIME 2025 I and II, 30 problems", "aime25.jsonl or aime25/test.jsonl",
                 "https://github.com/ypwang61/One-Shot-RLVR (Qwen2.5-Eval/evaluation/data/)"},
       .stems = {"aime25", "aime25"},
       .read_row = read_competition},
      {.named = {"amc23", "AMC 12 of 2023, 40 problems", "amc23.jsonl or amc23/test.jsonl",
                 "https://github.com/QwenLM/Qwen2.5-Math (evaluation/data/)"},
       .stems = {"amc23", "amc23"},
       .read_row = read_competition},
      {.named = {"math500", "MATH-500: 500 problems of the MATH test set, seven subjects, five levels",
                 "math500.jsonl or math500/test.jsonl",
                 "https://github.com/openai/prm800k or https://huggingface.co/datasets/HuggingFaceH4/MATH-500"},
       .stems = {"math500", "MATH-500"},
       .read_row = read_math500},
      {.named = {"minerva", "Minerva: 272 problems of university courses",
                 "minerva_math.jsonl or minerva_math/test.jsonl",
                 "https://github.com/QwenLM/Qwen2.5-Math (evaluation/data/)"},
       .stems = {"minerva_math", "minerva"},
       .read_row = read_minerva},
      {.named = {"olympiadbench", "OlympiadBench: 675 problems in English, text only, with a final answer",
                 "olympiadbench.jsonl or olympiadbench/test.jsonl",
                 "https://github.com/QwenLM/Qwen2.5-Math (evaluation/data/)"},
       .stems = {"olympiadbench", "olympiadbench"},
       .read_row = read_olympiad},
      {.named = {"gsm8k", "GSM8K: 1,319 word problems of grade school", "gsm8k.jsonl or gsm8k/test.jsonl",
                 "https://github.com/openai/grade-school-math (grade_school_math/data/)"},
       .stems = {"gsm8k", "GSM8K"},
       .read_row = read_gsm8k},
      {.named = {"sat", "SAT mathematics: 32 multiple choices", "sat_math.jsonl or sat_math/test.jsonl",
                 "https://github.com/QwenLM/Qwen2.5-Math (evaluation/data/)"},
       .stems = {"sat_math", "sat"},
       .read_row = read_sat},
  };
  return table;
}

bool is_own_file(const std::string& suite) { return suite.ends_with(".json") || suite.ends_with(".jsonl"); }

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

const MathSuite& suite_named(const std::string& name) {
  std::string known;
  for (const MathSuite& suite : suites()) {
    if (suite.named.name == name) {
      return suite;
    }
    known += (known.empty() ? "" : ", ") + std::string(suite.named.name);
  }
  throw InvalidInput("[read_math_suites] no suite is called \"" + excerpt(name) + "\"; choose of " + known +
                     ", or give a file that ends in .json or .jsonl.");
}

// STEM.jsonl, STEM/test.jsonl; or test.jsonl where the directory itself is called STEM.
fs::path find_suite(const MathSuite& suite, std::span<const std::string> directories) {
  for (const std::string& directory : directories) {
    const fs::path base(directory);
    const fs::path last = base.filename().empty() ? base.parent_path().filename() : base.filename();
    for (const std::string_view stem : suite.stems) {
      for (const fs::path& path : {base / (std::string(stem) + ".jsonl"), base / stem / "test.jsonl"}) {
        if (is_file(path)) {
          return path;
        }
      }
      if (last == stem && is_file(base / "test.jsonl")) {
        return base / "test.jsonl";
      }
    }
  }
  std::string places;
  for (const std::string& directory : directories) {
    places += (places.empty() ? "" : ", ") + directory;
  }
  throw InvalidInput("[read_math_suites] there is no file of " + std::string(suite.named.name) + " in " +
                     (places.empty() ? "any directory: none was given" : places) + ". Looked for: " +
                     std::string(suite.named.files) + "; to be had from " + std::string(suite.named.source) + ".");
}

std::string key_of(const MathProblem& problem) {
  return record_key(nlohmann::json{problem.id, problem.suite, problem.subject, problem.level, problem.question,
                                   problem.reference, problem.tolerance}
                        .dump());
}

// Throws InvalidInput where nobody could be asked this, or no answer could be right.
void check_problem(const MathProblem& problem) {
  check_example(make_example(problem.id, {{"user", problem.question}}, {}));
  if (!(problem.tolerance >= 0.0 && std::isfinite(problem.tolerance))) {
    throw InvalidInput("the tolerance is " + std::to_string(problem.tolerance) + ", expected a number from 0.");
  }
  if (const Grade itself = grade(problem.reference, problem.reference); itself.verdict != Verdict::kCorrect) {
    throw InvalidInput("the answer \"" + excerpt(problem.reference) + "\" cannot be graded against: " + itself.reason +
                       ".");
  }
}

void read_suite(const std::string& suite, MathRowReader read_row, const fs::path& path, const ReadOptions& options,
                MathProblemSet& set) {
  const std::string bytes = read_whole_file("read_math_suites", path.string());
  const std::string name = path.filename().string();
  std::vector<RowText> texts;
  try {
    texts = row_texts(bytes);
  } catch (const InvalidInput& error) {
    throw InvalidInput("[read_math_suites] " + path.string() + ": " + error.what());
  }
  set.files.push_back({.path = name, .sha256 = hex(sha256(bytes)), .rows = texts.size()});
  std::vector<MathProblem> problems;
  std::set<std::string> ids;
  const std::size_t faults_before = set.faults.size();
  for (const RowText& text : texts) {
    std::string id = std::to_string(text.number);
    try {
      const nlohmann::ordered_json object = parse_object(text.text);
      MathProblem problem = read_row(JsonField(object));
      if (!problem.id.empty()) {
        id = problem.id;
      }
      problem.suite = suite;
      problem.id = suite;
      problem.id += "/";
      problem.id += id;
      check_problem(problem);
      if (!ids.insert(problem.id).second) {
        throw InvalidInput("the id was there before: two rows have it.");
      }
      problem.key = key_of(problem);
      problems.push_back(std::move(problem));
    } catch (const InvalidInput& error) {
      set.faults.push_back({.file = name, .row = text.number, .id = id, .message = error.what()});
    }
  }
  if (problems.empty()) {
    throw InvalidInput("[read_math_suites] no row of " + path.string() + " can be used as " + suite + ". " +
                       (set.faults.size() > faults_before
                            ? "The first is row " + std::to_string(set.faults[faults_before].row) + ": " +
                                  set.faults[faults_before].message
                            : "It is empty."));
  }
  for (const std::size_t index :
       chosen_rows(problems.size(), options.limit.value_or(problems.size()), options.sample_seed)) {
    set.problems.push_back(std::move(problems[index]));
  }
}

}  // namespace

std::vector<BenchmarkName> math_suite_names() {
  std::vector<BenchmarkName> names;
  for (const MathSuite& suite : suites()) {
    names.push_back(suite.named);
  }
  return names;
}

MathProblemSet read_math_suites(std::span<const std::string> wanted, std::span<const std::string> directories,
                                const ReadOptions& options) {
  if (options.limit == std::size_t{0}) {
    throw InvalidInput("[read_math_suites] a limit of 0 leaves no problem. Give at least 1, or none.");
  }
  MathProblemSet set;
  std::set<std::string> seen;
  for (const std::string& name : wanted) {
    const bool own = is_own_file(name);
    const std::string suite = own ? fs::path(name).stem().string() : name;
    const MathSuite* const known = own ? nullptr : &suite_named(name);
    if (!seen.insert(suite).second) {
      throw InvalidInput("[read_math_suites] the suite " + suite + " stands twice.");
    }
    read_suite(suite, own ? read_own : known->read_row, own ? fs::path(name) : find_suite(*known, directories), options,
               set);
  }
  return set;
}

}  // namespace endorm
