// Answers graded, and classes of equal ones.
#include "eval/graded_answers.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace endorm {
namespace {

using Texts = std::vector<std::string>;

std::vector<int> votes(const std::vector<GradedAnswer>& answers) {
  std::vector<int> votes;
  for (const GradedAnswer& answer : answers) {
    votes.push_back(answer.vote ? static_cast<int>(*answer.vote) : -1);
  }
  return votes;
}

TEST_CASE("equal answers in other spellings are one class; what cannot be read does not vote") {
  const std::vector<GradedAnswer> answers = grade_answers(
      Texts{"\\boxed{0.5}", "The answer is 3.", "so \\boxed{\\frac{1}{2}}", "", "\\boxed{3}", "\\boxed{1/2}"}, "1/2");
  CHECK(votes(answers) == std::vector<int>{0, 1, 0, -1, 1, 0});
  CHECK(answers[0].verdict == Verdict::kCorrect);
  CHECK(answers[1].verdict == Verdict::kWrong);
  CHECK(answers[3].verdict == Verdict::kUnparsable);
  CHECK(answers[3].answer.empty());
}

TEST_CASE("the tolerance holds for verdicts and for votes") {
  const Texts texts = {"\\boxed{4.25}", "\\boxed{4.2}", "\\boxed{9}"};
  CHECK(votes(grade_answers(texts, "4.2")) == std::vector<int>{0, 1, 2});
  const std::vector<GradedAnswer> near = grade_answers(texts, "4.2", 0.1);
  CHECK(votes(near) == std::vector<int>{0, 0, 2});
  CHECK(near[0].verdict == Verdict::kCorrect);
}

TEST_CASE("lists vote in any order, multiple choices by their letter") {
  CHECK(votes(grade_answers(Texts{"\\boxed{1, 2}", "\\boxed{2, 1}", "\\boxed{1}"}, "1, 2")) ==
        std::vector<int>{0, 0, 2});
  const std::vector<GradedAnswer> sat =
      grade_answers(Texts{"The answer is (B).", "\\boxed{B}", "\\boxed{\\text{A}}", "so (B) it is, clearly"}, "B");
  CHECK(votes(sat) == std::vector<int>{0, 0, 2, 0});
  CHECK(sat[2].verdict == Verdict::kWrong);
}

}  // namespace
}  // namespace endorm
