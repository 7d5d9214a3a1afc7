// The pairs made by hand, each with the verdict that a careful person gives; and what holds for all of them.
#include "tests/grade/pairs.h"

#include <fstream>

#include <doctest/doctest.h>

#include "grade/grade.h"
#include "tests/paths.h"

namespace endorm {

std::vector<AnswerPair> read_pairs() {
  std::ifstream file(source_path("tests/grade/pairs.tsv"));
  std::vector<AnswerPair> pairs;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') {
      continue;
    }
    std::vector<std::string> columns(1);
    for (const char c : line) {
      if (c == '\t') {
        columns.emplace_back();
      } else {
        columns.back() += c;
      }
    }
    REQUIRE_MESSAGE(columns.size() == 4, line);
    REQUIRE_MESSAGE(!columns[3].empty(), line);
    std::string& answer = columns[1];
    for (std::size_t at = answer.find("<br>"); at != std::string::npos; at = answer.find("<br>")) {
      answer.replace(at, 4, "\n");
    }
    pairs.push_back({columns[0], columns[1], columns[2]});
  }
  return pairs;
}

namespace {

TEST_CASE("The pairs made by hand have their verdicts") {
  const std::vector<AnswerPair> pairs = read_pairs();
  REQUIRE(pairs.size() >= 640);
  std::size_t wrong = 0;
  for (const AnswerPair& pair : pairs) {
    CAPTURE(pair.answer);
    CAPTURE(pair.reference);
    const Grade found = grade(pair.answer, pair.reference);
    CAPTURE(found.answer_normal);
    CAPTURE(found.reference_normal);
    CAPTURE(found.reason);
    CHECK(verdict_name(found.verdict) == pair.verdict);
    CHECK_FALSE(found.reason.empty());
    CHECK(found.side.has_value() == (found.verdict == Verdict::kUnparsable));
    wrong += pair.verdict == "wrong" ? 1 : 0;
  }
  CHECK(wrong * 3 >= pairs.size());  // a third are near misses
}

TEST_CASE("Whatever can be read is equal to itself, and its normal form is its own normal form and equal to it") {
  for (const AnswerPair& pair : read_pairs()) {
    for (const std::string& text : {pair.answer, pair.reference}) {
      const Grade itself = grade(text, text);
      if (itself.verdict == Verdict::kUnparsable) {
        continue;
      }
      CAPTURE(text);
      CAPTURE(itself.answer_normal);
      CAPTURE(itself.reason);
      CHECK(itself.verdict == Verdict::kCorrect);
      const Grade again = grade(itself.answer_normal, text);
      CAPTURE(again.answer_normal);
      CAPTURE(again.reason);
      CHECK(again.verdict == Verdict::kCorrect);
      CHECK(again.answer_normal == itself.answer_normal);
    }
  }
}

// What is asymmetric on purpose: rounding, where the reference says how exact it is, and what a text leaves out.
bool speaks_of_rounding(const Grade& graded) { return graded.reason.find("round") != std::string::npos; }

TEST_CASE("The order of the sides does not matter, but for rounding") {
  for (const AnswerPair& pair : read_pairs()) {
    const Grade there = grade(pair.answer, pair.reference);
    const Grade back = grade(pair.reference, pair.answer);
    const bool choice = there.reference_normal.size() == 1 && there.reference_normal[0] >= 'A';
    if (speaks_of_rounding(there) || speaks_of_rounding(back) || choice) {
      continue;
    }
    CAPTURE(pair.answer);
    CAPTURE(pair.reference);
    CAPTURE(there.reason);
    CAPTURE(back.reason);
    CHECK(there.verdict == back.verdict);
  }
}

TEST_CASE("Signs of Unicode are their commands") {
  CHECK(grade("\u221a5", "\\sqrt{5}").verdict == Verdict::kCorrect);
  CHECK(grade("\u03c0/6", "\\frac{\\pi}{6}").verdict == Verdict::kCorrect);
  CHECK(grade("x \u2264 3", "(-\\infty, 3]").verdict == Verdict::kCorrect);
  CHECK(grade("x \u2264 3", "(-\\infty, 3)").verdict == Verdict::kWrong);
  CHECK(grade("1 \u00b1 2", "3, -1").verdict == Verdict::kCorrect);
  CHECK(grade("\u00a380", "80").verdict == Verdict::kCorrect);
  CHECK(grade("4 \u00d7 10\u00b2", "400").verdict == Verdict::kCorrect);
}

TEST_CASE("Tolerance and digits are the caller's to set") {
  GradeOptions options;
  CHECK(grade("1.05", "1").verdict == Verdict::kWrong);
  options.tolerance = 0.1;
  CHECK(grade("1.05", "1", options).verdict == Verdict::kCorrect);
  CHECK(grade("1.15", "1", options).verdict == Verdict::kWrong);
  options = GradeOptions{};
  options.rounded_reference_digits = 4;
  CHECK(grade("3.14159", "3.14", options).verdict == Verdict::kWrong);
  options.rounded_answer_digits = 3;
  CHECK(grade("0.333", "1/3", options).verdict == Verdict::kCorrect);
}

}  // namespace
}  // namespace endorm
