#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace endorm {

// Whether a text reads like a sentence: four words of letters or more, or two with "is" or "are" among them, outside
// commands of TeX and \text{}.
bool is_prose(std::string_view text);

// What a sentence says at its end: a formula between $ signs, \( \) or \[ \], or a number.
struct SaidLast {
  std::string text;
  bool formula = false;
};

// The last formula, or the last number where that comes later. Of an equation it is what stands behind the last "=".
// Formulas that only "and", "or" or a comma joins are one list where they are equations with one left side, or none of
// them is an equation. A letter alone ("for every $n$") is no answer where the text says something else, and a $ in
// front of an amount of money opens no formula. One pass over the text.
std::optional<SaidLast> said_last(std::string_view text);

// Up to the end of the sentence or line: a full stop that no digit follows. A formula is not cut.
std::string_view first_sentence(std::string_view text);

// Without white space, "*" and ":" in front, and without white space and "*" behind: Markdown's marks, and what stands
// between "answer" and an answer.
std::string_view without_marks(std::string_view text);

}  // namespace endorm
