#pragma once

#include <string>
#include <string_view>

namespace endorm {

// Where the answer of a text was found.
enum class AnswerPlace { box, hashes, phrase, whole, formula, number, choice, nowhere };

struct ExtractedAnswer {
  std::string text;  // as written
  AnswerPlace place = AnswerPlace::nowhere;
};

// The answer that a text ends with, the first of these that is there:
//   box      the last \boxed{...} or \fbox{...}, with the boxes right before it that only "and", "or" or a comma parts
//   from
//            it; what follows a box, such as a unit, is not part of it
//   hashes   what follows the last "####" on its line
//   phrase   what follows the last "answer is", "answer:" or "answers are", up to the end of the sentence
//   whole    a text without prose
//   formula  the last formula between $ signs, \( \) or \[ \]; of an equation, what stands behind its last "="
//   number   the last number
// One pass over the text.
ExtractedAnswer extract_answer(std::string_view text);

// The letter A to J of a multiple choice that a text names: "(C)", "C.", "\text{C}", "C) 12", "the answer is C"; 0
// where it names none or is something else.
char choice_letter(std::string_view text);

}  // namespace endorm
