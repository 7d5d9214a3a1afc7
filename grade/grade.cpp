#include "grade/grade.h"

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "grade/answer_text.h"
#include "grade/comparer.h"
#include "grade/expression.h"
#include "grade/extract.h"
#include "grade/normal_form.h"

namespace endorm {
namespace {

constexpr std::size_t kLongestAnswer = 2000;  // bytes of what is parsed

// One side: its readings, the first of which is the one to show; or why there is none.
struct Reading {
  std::vector<Node> trees;
  std::string normal;
  std::string fault;
};

Node choice(char letter) { return Node{Kind::kChoice, std::string(1, letter), {}, {}}; }

// The trees of a text: commas that may part thousands leave two of them.
Reading read(std::string_view text) {
  Reading reading;
  if (text.size() > kLongestAnswer) {
    reading.fault = "it has more than " + std::to_string(kLongestAnswer) + " bytes";
    return reading;
  }
  const std::string spelled = one_spelling(text);
  if (spelled.empty()) {
    reading.fault = "it holds no answer";
    return reading;
  }
  std::vector<std::string> texts{without_thousands(spelled)};
  if (texts[0] != spelled) {
    const bool bracketed = spelled.find_first_of("([{") != std::string::npos;
    texts.insert(bracketed ? texts.begin() : texts.end(), spelled);
  }
  for (const std::string& each : texts) {
    try {
      reading.trees.push_back(parse_answer(each));
    } catch (const Unreadable& unreadable) {
      if (reading.fault.empty()) {
        reading.fault = unreadable.reason;
      }
    }
  }
  if (!reading.trees.empty()) {
    reading.normal = normal_form(reading.trees.front());
  }
  return reading;
}

// The last letter in brackets, as in "... so (C) is right."
char last_bracketed_letter(std::string_view text) {
  for (std::size_t place = text.size(); place >= 3; --place) {
    const std::string_view three = text.substr(place - 3, 3);
    if (three[0] == '(' && three[2] == ')' && three[1] >= 'A' && three[1] <= 'J') {
      return three[1];
    }
  }
  return '\0';
}

Reading read_answer(std::string_view text, const ExtractedAnswer& extracted, bool choice_wanted) {
  if (choice_wanted) {
    char letter = choice_letter(extracted.text);
    const bool certain = extracted.place == AnswerPlace::kBox || extracted.place == AnswerPlace::kPhrase;
    if (letter == '\0' && !certain) {
      letter = last_bracketed_letter(text);
    }
    if (letter != '\0') {
      return {{choice(letter)}, std::string(1, letter), ""};
    }
  }
  return read(extracted.text);
}

// Where the other side lists several answers, prose may part the boxes that hold them.
void add_paragraph_boxes(Reading& reading, const ExtractedAnswer& extracted, const Reading& other) {
  const Kind kind = other.trees.front().kind;
  if (extracted.paragraph_boxes.empty() || (kind != Kind::kList && kind != Kind::kSet)) {
    return;
  }
  for (Node& tree : read(extracted.paragraph_boxes).trees) {
    reading.trees.push_back(std::move(tree));
  }
}

Grade unparsable(Grade grade, Side side, const std::string& reason) {
  grade.verdict = Verdict::kUnparsable;
  grade.side = side;
  grade.reason = std::string(side == Side::kAnswer ? "answer: " : "reference: ") + reason;
  return grade;
}

}  // namespace

Grade grade(std::string_view answer, std::string_view reference, const GradeOptions& options) {
  const ExtractedAnswer reference_text = extract_answer(reference);
  const char letter = choice_letter(reference_text.text);
  Reading right = letter != '\0' ? Reading{{choice(letter)}, std::string(1, letter), ""} : read(reference_text.text);
  const ExtractedAnswer answer_text = extract_answer(answer);
  Reading left = read_answer(answer, answer_text, letter != '\0');
  Grade result;
  result.answer_normal = left.normal;
  result.reference_normal = right.normal;
  if (right.trees.empty()) {
    return unparsable(result, Side::kReference, right.fault);
  }
  if (left.trees.empty()) {
    return unparsable(result, Side::kAnswer, left.fault);
  }
  add_paragraph_boxes(left, answer_text, right);
  add_paragraph_boxes(right, reference_text, left);
  std::optional<Side> undefined;
  try {
    Budget budget;
    for (const Node& left_tree : left.trees) {
      for (const Node& right_tree : right.trees) {
        const AnswerComparison found = compare_answers(left_tree, right_tree, options, budget);
        if (result.reason.empty() || found.same) {
          result.reason = found.reason;
        }
        if (found.same) {
          result.verdict = Verdict::kCorrect;
          return result;
        }
        if (found.undefined && !undefined) {
          undefined = found.undefined;
        }
      }
    }
  } catch (const TooMuchWork&) {
    return unparsable(result, Side::kAnswer, "comparing it takes more work than a grade may cost");
  }
  if (undefined) {
    return unparsable(result, *undefined, "it has no value");
  }
  result.verdict = Verdict::kWrong;
  return result;
}

std::string_view verdict_name(Verdict verdict) {
  constexpr std::array<std::string_view, 3> kNames = {"correct", "wrong", "unparsable"};  // in their order
  return kNames.at(static_cast<std::size_t>(verdict));
}

}  // namespace endorm
