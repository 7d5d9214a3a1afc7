#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace endorm {

inline constexpr int kGraderVersion = 1;  // grows with every change that may turn a verdict

enum class Verdict { kCorrect, kWrong, kUnparsable };
enum class Side { kAnswer, kReference };

// What a right answer is. docs/grading.md has the rules and how likely a wrong verdict is.
struct GradeOptions {
  // A decimal reference with at least this many significant digits is a rounded number: an answer that rounds to it is
  // right. One with fewer, and every integer, is exact.
  int rounded_reference_digits = 3;
  // A decimal answer with at least this many significant digits that is the reference rounded is right.
  int rounded_answer_digits = 6;
  // Numbers that differ by no more than this are equal.
  double tolerance = 0.0;
};

struct Grade {
  Verdict verdict = Verdict::kUnparsable;
  std::optional<Side> side;      // of what could not be read; set where the verdict is unparsable, and only there
  std::string answer_normal;     // plain text in one spelling, so that a person sees what was compared; "" if unread
  std::string reference_normal;  // likewise
  std::string reason;            // one line
};

// Whether the answer in a text, as a model wrote it, is the answer in the reference. The answer is found as
// extract_answer of grade/extract.h says. Time and memory are bounded for any input: tens of milliseconds beyond a pass
// over the text. Never throws for what it reads; needs no model, keeps no state, may be called from many threads.
Grade grade(std::string_view answer, std::string_view reference, const GradeOptions& options = {});

// "correct", "wrong", "unparsable".
std::string_view verdict_name(Verdict verdict);

}  // namespace endorm
