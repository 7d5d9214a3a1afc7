#include "eval/math_suites.h"

#include <array>
#include <cmath>
#include <filesystem>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/listed.h"
#include "core/spelled_number.h"
#include "engine/content_hash.h"
#include "eval/benchmark_table.h"
#include "grade/extract.h"
#include "grade/grade.h"
#include "score/json_check.h"
#include "score/json_field.h"

namespace endorm {
namespace {

namespace fs = std::filesystem;

// What a row says; the id is its own, empty where it has none.
struct MathProblem {
  std::string id;
  std::string subject;   // empty where the suite names none
  std::string level;     // likewise
  std::string question;  // as it is asked, the options of a multiple choice behind it
  std::string reference;
  double tolerance = 0.0;  // GradeOptions::tolerance
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

double tolerance_from(const std::string& text) {
  if (const std::optional<double> number = spelled_number<double>(text)) {
    return *number;
  }
  throw InvalidInput("\"error\" is \"" + excerpt(text) + "\", expected a number.");
}

MathProblem read_olympiad(const JsonField& row) {
  MathProblem problem;
  problem.id = row.at("id").text_or_integer();
  problem.subject = row.at("subfield").text();
  problem.question = (row.has("context") ? row.at("context").text() + "\n\n" : "") + row.at("question").text();
  problem.reference = listed(row.at("final_answer").texts());  // all must be given
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
  problem.reference = answer.is_list() ? listed(answer.texts()) : answer.text_or_number();
  if (row.has("tolerance")) {
    problem.tolerance = row.at("tolerance").number();
  }
  return problem;
}

// The row as an example without responses. Throws InvalidInput where no answer could be right.
template <MathProblem (*kRead)(const JsonField& row)>
std::vector<Example> as_example(const SourceRow& source) {
  const MathProblem problem = kRead(source.row);
  if (!(problem.tolerance >= 0.0 && std::isfinite(problem.tolerance))) {
    throw InvalidInput("the tolerance is " + std::to_string(problem.tolerance) + ", expected a number from 0.");
  }
  if (const Grade itself = grade(problem.reference, problem.reference); itself.verdict != Verdict::kCorrect) {
    throw InvalidInput("the answer \"" + excerpt(problem.reference) + "\" cannot be graded against: " + itself.reason +
                       ".");
  }
  const std::string id = problem.id.empty() ? std::to_string(source.number) : problem.id;
  Example example = make_example(source.part + "/" + id, {{"user", problem.question}}, {});
  example.subset = source.part;
  example.subject = problem.subject;
  example.level = problem.level;
  DrawnAnswers& drawn = example.drawn.emplace();
  drawn.reference = problem.reference;
  drawn.tolerance = problem.tolerance;
  return {std::move(example)};
}

void fill_key(Example& example, std::uint64_t) {
  example.request.key = record_key(nlohmann::json{example.request.id, example.subset, example.subject, example.level,
                                                  example.request.messages.front().content, example.drawn->reference,
                                                  example.drawn->tolerance}
                                       .dump());
}

Benchmark suite(const BenchmarkName& named, const std::array<std::string_view, 2>& stems, RowReader read_row) {
  return {.named = named, .read_row = read_row, .stems = stems, .finish = fill_key};
}

const std::vector<Benchmark>& suites() {
  static const std::vector<Benchmark> table = {
      suite({"aime24", "AIME 2024 I and II, 30 problems", "aime24.jsonl or aime24/test.jsonl",
             "https://github.com/QwenLM/Qwen2.5-Math (evaluation/data/)"},
            {"aime24", "aime24"}, as_example<read_competition>),
      suite({"aime25", "AIME 2025 I and II, 30 problems", "aime25.jsonl or aime25/test.jsonl",
             "https://github.com/ypwang61/One-Shot-RLVR (Qwen2.5-Eval/evaluation/data/)"},
            {"aime25", "aime25"}, as_example<read_competition>),
      suite({"amc23", "AMC 12 of 2023, 40 problems", "amc23.jsonl or amc23/test.jsonl",
             "https://github.com/QwenLM/Qwen2.5-Math (evaluation/data/)"},
            {"amc23", "amc23"}, as_example<read_competition>),
      suite({"math500", "MATH-500: 500 problems of the MATH test set, seven subjects, five levels",
             "math500.jsonl or math500/test.jsonl",
             "https://github.com/openai/prm800k or https://huggingface.co/datasets/HuggingFaceH4/MATH-500"},
            {"math500", "MATH-500"}, as_example<read_math500>),
      suite({"minerva", "Minerva: 272 problems of university courses", "minerva_math.jsonl or minerva_math/test.jsonl",
             "https://github.com/QwenLM/Qwen2.5-Math (evaluation/data/)"},
            {"minerva_math", "minerva"}, as_example<read_minerva>),
      suite({"olympiadbench", "OlympiadBench: 675 problems in English, text only, with a final answer",
             "olympiadbench.jsonl or olympiadbench/test.jsonl",
             "https://github.com/QwenLM/Qwen2.5-Math (evaluation/data/)"},
            {"olympiadbench", "olympiadbench"}, as_example<read_olympiad>),
      suite({"gsm8k", "GSM8K: 1,319 word problems of grade school", "gsm8k.jsonl or gsm8k/test.jsonl",
             "https://github.com/openai/grade-school-math (grade_school_math/data/)"},
            {"gsm8k", "GSM8K"}, as_example<read_gsm8k>),
      suite({"sat", "SAT mathematics: 32 multiple choices", "sat_math.jsonl or sat_math/test.jsonl",
             "https://github.com/QwenLM/Qwen2.5-Math (evaluation/data/)"},
            {"sat_math", "sat"}, as_example<read_sat>),
  };
  return table;
}

bool is_own_file(const std::string& suite) { return suite.ends_with(".json") || suite.ends_with(".jsonl"); }

// STEM.jsonl, STEM/test.jsonl; or test.jsonl where the directory itself is called STEM.
fs::path find_suite(const Benchmark& suite, std::span<const std::string> directories) {
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
  const std::string places = listed(directories);
  throw InvalidInput("[read_math_suites] there is no file of " + std::string(suite.named.name) + " in " +
                     (places.empty() ? "any directory: none was given" : places) + ". Looked for: " +
                     std::string(suite.named.files) + "; to be had from " + std::string(suite.named.source) + ".");
}

}  // namespace

std::vector<BenchmarkName> math_suite_names() { return names_of(suites()); }

DataSet read_math_suites(std::span<const std::string> wanted, std::span<const std::string> directories,
                         const ReadOptions& options) {
  if (options.limit == std::size_t{0}) {
    throw InvalidInput("[read_math_suites] a limit of 0 leaves no problem. Give at least 1, or none.");
  }
  DataSet data;
  std::set<std::string> seen;
  std::set<std::string> ids;
  for (const std::string& name : wanted) {
    const bool own = is_own_file(name);
    const std::string part = own ? fs::path(name).stem().string() : name;
    const Benchmark reading =
        own ? suite({part, "", "any .json or .jsonl with question (or problem) and answer", "you: docs/math.md"}, {},
                    as_example<read_own>)
            : row_named(suites(), "read_math_suites", "suite", name, ", or give a file that ends in .json or .jsonl");
    if (!seen.insert(part).second) {
      throw InvalidInput("[read_math_suites] the suite " + part + " stands twice.");
    }
    const fs::path path = own ? fs::path(name) : find_suite(reading, directories);
    read_file("read_math_suites", reading, {.part = part, .path = path.string()}, options, ids, data);
    data.files.back().path = path.filename().string();
  }
  return data;
}

}  // namespace endorm
