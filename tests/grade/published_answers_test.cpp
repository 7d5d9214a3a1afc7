// Every reference answer of the published suites: right against itself and against a twin in another spelling, wrong
// against itself plus one and against the answers of other problems.
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/random.h"
#include "grade/grade.h"
#include "tests/paths.h"

namespace endorm {
namespace {

using Json = nlohmann::json;

const std::string kData = source_path("../shared/data/");

struct Answer {
  std::string where;
  std::string text;
};

void add_lines(const std::string& file, const char* field, std::vector<Answer>& answers) {
  std::ifstream lines(kData + file);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    const Json value = Json::parse(line).at(field);
    std::string text = value.is_string() ? value.get<std::string>() : value.is_array() ? "" : value.dump();
    for (const Json& part : value.is_array() ? value : Json::array()) {
      text += (text.empty() ? "" : ", ") + part.get<std::string>();
    }
    answers.push_back({file + ":" + std::to_string(++number), text});
  }
}

std::vector<Answer> published_answers() {
  std::vector<Answer> answers;
  for (const std::string suite : {"aime24", "aime25", "amc23", "math500"}) {
    add_lines("math_suites/" + suite + ".jsonl", "answer", answers);
  }
  add_lines("math_suites/minerva_math.jsonl", "solution", answers);
  add_lines("math_suites/olympiadbench.jsonl", "final_answer", answers);
  add_lines("math_suites/sat_math.jsonl", "Answer", answers);
  add_lines("gsm8k/test.jsonl", "answer", answers);
  add_lines("gsm8k/train.jsonl", "answer", answers);
  std::ifstream training(kData + "math_train/math.json");
  std::size_t number = 0;
  for (const Json& row : Json::parse(training)) {
    ++number;
    if (row.at("answer").is_null() || row.at("answer").get<std::string>().empty()) {
      continue;
    }
    answers.push_back({"math_train:" + std::to_string(number), row.at("answer").get<std::string>()});
  }
  return answers;
}

// The same answer as another author would set it: other fractions and brackets, plain fractions, spaces, a box with
// words around it. None where a rewriting does not touch the text.
std::vector<std::string> reformatted(const std::string& text) {
  const auto replaced = [](std::string changed, std::string_view from, std::string_view to) {
    for (std::size_t at = changed.find(from); at != std::string::npos; at = changed.find(from, at + to.size())) {
      changed.replace(at, from.size(), to);
    }
    return changed;
  };
  std::vector<std::string> twins{
      replaced(text, "\\frac", "\\dfrac"),
      replaced(replaced(replaced(text, "\\dfrac", "\\frac"), "\\tfrac", "\\frac"), "\\frac", "\\tfrac"),
      replaced(replaced(text, "\\left", ""), "\\right", ""),
      replaced(text, "\\text{", "\\mathrm{"),
      replaced(text, "\\cdot", "\\times"),
      replaced(text, "\\pi", "\u03c0"),
      replaced(text, "\\sqrt{", "\\sqrt {"),
      replaced(replaced(text, "pmatrix", "bmatrix"), "\\%", "%"),
      replaced(replaced(text, "\\leq ", "\\le "), "\\geq ", "\\ge "),
      replaced(text, ", ", ","),
      replaced(replaced(text, "+", " + "), "=", " = "),
      "  " + text + " ",
  };
  const bool whole_text = text.find("####") == std::string::npos && text.find("boxed") == std::string::npos;
  if (whole_text) {
    const std::string bare = replaced(replaced(text, "\\$", ""), "$", "");
    twins.push_back("Let us add up. Therefore, the final answer is: $\\boxed{" + bare + "}$. I hope it is correct.");
    twins.push_back("**Final Answer**\n\n\\[\n\\boxed{" + bare + "}\n\\]\n");
    twins.push_back("\\fbox{" + bare + "}");
  }
  std::erase(twins, text);
  return twins;
}

// An integer with its commas, as a decimal, as a fraction and with a unit.
std::vector<std::string> other_integers(const std::string& integer) {
  std::string grouped = integer;
  const std::size_t first = integer[0] == '-' ? 1 : 0;
  for (std::size_t at = integer.size(); at > first + 3; at -= 3) {
    grouped.insert(at - 3, ",");
  }
  return {grouped,
          integer + ".0",
          "\\frac{" + integer + "}{1}",
          "x = " + integer,
          integer + " \\text{ apples}",
          "The answer is " + grouped + ".",
          "So in the end she has " + integer + " of them."};
}

bool is_plain_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("-0123456789./") == std::string::npos;
}

TEST_CASE("Published reference answers") {
  if (!std::filesystem::exists(kData + "math_suites")) {
    MESSAGE("SKIPPED: no ", kData + "math_suites");
    return;
  }
  const std::vector<Answer> answers = published_answers();
  CHECK(answers.size() > 17800);
  constexpr std::uint64_t kSeed = 11;
  MESSAGE("seed ", kSeed);
  RandomStream random(kSeed);
  std::size_t others = 0;
  std::size_t numbers = 0;
  std::size_t twins = 0;
  for (const Answer& answer : answers) {
    CAPTURE(answer.where);
    CAPTURE(answer.text.substr(0, 200));
    const Grade itself = grade(answer.text, answer.text);
    CAPTURE(itself.answer_normal);
    CAPTURE(itself.reason);
    CHECK(itself.verdict == Verdict::kCorrect);
    const Grade twin = grade("We compute. Thus \\[ \\boxed{" + itself.answer_normal + "} \\]", answer.text);
    CAPTURE(twin.answer_normal);
    CAPTURE(twin.reason);
    CHECK(twin.verdict == Verdict::kCorrect);
    CHECK(twin.answer_normal == itself.answer_normal);
    for (const std::string& other_spelling : reformatted(answer.text)) {
      ++twins;
      CAPTURE(other_spelling);
      const Grade graded = grade(other_spelling, answer.text);
      CAPTURE(graded.answer_normal);
      CAPTURE(graded.reason);
      CHECK(graded.verdict == Verdict::kCorrect);
    }
    const bool integer = !itself.answer_normal.empty() &&
                         itself.answer_normal.find_first_not_of("0123456789", itself.answer_normal[0] == '-' ? 1 : 0) ==
                             std::string::npos;
    if (integer) {
      for (const std::string& other_spelling : other_integers(itself.answer_normal)) {
        ++twins;
        CAPTURE(other_spelling);
        CHECK(grade(other_spelling, answer.text).verdict == Verdict::kCorrect);
      }
    }
    if (is_plain_number(itself.answer_normal)) {
      ++numbers;
      CHECK(grade(itself.answer_normal + " + 1", itself.answer_normal).verdict == Verdict::kWrong);
      if (itself.answer_normal != "0") {
        CHECK(grade("-(" + itself.answer_normal + ")", itself.answer_normal).verdict == Verdict::kWrong);
      }
    }
    const Answer& other = answers[random.below(answers.size())];
    const Grade crossed = grade(other.text, answer.text);
    if (crossed.answer_normal == crossed.reference_normal || crossed.verdict == Verdict::kUnparsable) {
      continue;
    }
    ++others;
    CAPTURE(other.text.substr(0, 200));
    CAPTURE(crossed.reason);
    // What is left to differ between equal answers is a sign that one of them writes.
    CHECK((crossed.verdict == Verdict::kWrong || crossed.reason.starts_with("equal but for")));
  }
  MESSAGE(twins, " twins in another spelling, ", others, " pairs of unlike answers");
  CHECK(twins > 150000);
  CHECK(numbers > 15000);
  CHECK(others > 15000);
}

}  // namespace
}  // namespace endorm
