#include "eval/graded_answers.h"

#include <utility>

namespace endorm {
namespace {

bool is_right_as(const std::string& answer, const std::string& reference, const GradeOptions& options) {
  return grade("\\boxed{" + answer + "}", "\\boxed{" + reference + "}", options).verdict == Verdict::kCorrect;
}

}  // namespace

std::vector<GradedAnswer> grade_answers(std::span<const std::string> texts, const std::string& reference,
                                        double tolerance) {
  GradeOptions options;
  options.tolerance = tolerance;
  std::vector<GradedAnswer> graded;
  std::vector<std::size_t> firsts;  // of the classes
  for (const std::string& text : texts) {
    Grade found = grade(text, reference, options);
    GradedAnswer& own = graded.emplace_back();
    own.verdict = found.verdict;
    own.reason = std::move(found.reason);
    if (found.verdict == Verdict::kUnparsable) {
      continue;
    }
    own.answer = std::move(found.answer_normal);
    for (const std::size_t first : firsts) {
      const std::string& other = graded[first].answer;
      if (own.answer == other || is_right_as(own.answer, other, options) || is_right_as(other, own.answer, options)) {
        own.vote = first;
        break;
      }
    }
    if (!own.vote) {
      own.vote = graded.size() - 1;
      firsts.push_back(graded.size() - 1);
    }
  }
  return graded;
}

}  // namespace endorm
