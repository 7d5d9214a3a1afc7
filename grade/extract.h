#pragma once

#include <string>
#include <string_view>

namespace endorm {

// Where the answer of a text was found.
enum class AnswerPlace { kBox, kHashes, kPhrase, kWhole, kFormula, kNumber, kChoice, kNowhere };

struct ExtractedAnswer {
  std::string text;  // as written
  AnswerPlace place = AnswerPlace::kNowhere;
  // Where the last paragraph has more boxes than `text` holds: what all of them hold, parted by commas, as of "at most
  // \boxed{3} and at least \boxed{1}"; else empty.
  std::string paragraph_boxes;
};

// The answer that a text ends with, the first of these that is there:
//   box      the last \boxed{...} or \fbox{...}, with the boxes right before it that only "and", "or" or a comma parts
//            from it; what follows a box, such as a unit, is not part of it
//   hashes   what follows the last "####" on its line, where that is no heading
//   phrase   what follows the last "answer is", "answer:" or "answers are", up to the end of the sentence; of a longer
//            sentence what it says last
//   whole    a text without prose
//   formula, number   what the text says last, as said_last of grade/prose.h has it
// One pass over the text.
ExtractedAnswer extract_answer(std::string_view text);

// The letter A to J of a multiple choice that a text names: "(C)", "C.", "\text{C}", "C) 12", "the answer is C"; 0
// where it names none or is something else.
char choice_letter(std::string_view text);

}  // namespace endorm
