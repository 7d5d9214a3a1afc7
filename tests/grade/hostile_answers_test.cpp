// What is made to hurt: a verdict comes, and comes soon. ctest's time limit is the only clock.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/random.h"
#include "grade/grade.h"
#include "tests/grade/pairs.h"

namespace endorm {
namespace {

std::string repeated(const std::string& text, std::size_t times) {
  std::string result;
  for (std::size_t k = 0; k < times; ++k) {
    result += text;
  }
  return result;
}

TEST_CASE("Towers, depths and sizes have bounds") {
  const std::vector<std::string> unreadable{
      repeated("(", 900),
      repeated("(", 400) + "1" + repeated(")", 400),
      repeated("\\frac{1}{", 100) + "1" + repeated("}", 100),
      repeated("-", 1900),
      repeated("x^", 600) + "2",
      repeated("1+", 5000) + "1",
      "9" + repeated("9", 1800),
      "100000!",
      "10^{10^{10}}",
      "9^{9^{9^{9}}}",
      "((((10!)!)!)!)!",
      "x" + repeated("!", 90),
      "\\binom{10^{9}}{10^{8}}",
      repeated("\\sqrt", 500),
      "1e999999999",
      "\\frac{1}{0}",
      std::string("\0\1\xff\xfe", 4),
  };
  for (const std::string& text : unreadable) {
    CAPTURE(text.substr(0, 40));
    const Grade found = grade(text, "5");
    CHECK(found.verdict == Verdict::kUnparsable);
    CHECK(found.side == Side::kAnswer);
    const Grade back = grade("5", text);
    CHECK(back.verdict == Verdict::kUnparsable);
  }
}

TEST_CASE("Costly but readable answers end with a verdict") {
  const std::vector<std::string> costly{
      "(x+y+z+1)^{40}",          "x^{1000}", repeated("\\sin(", 20) + "x" + repeated(")", 20),
      repeated("1,", 700) + "1", "500!",     "(1+\\sqrt{2})^{40}",
      "(\\pi+e)^{1000}",
  };
  for (const std::string& text : costly) {
    CAPTURE(text.substr(0, 40));
    CHECK(grade(text, "5").verdict != Verdict::kCorrect);
    CHECK(grade(text, text).verdict != Verdict::kWrong);
  }
}

TEST_CASE("A megabyte of text is searched, not parsed") {
  const std::string prose = repeated("and so we see that it is 3 or so ", 30000);
  CHECK(grade(prose + "\\boxed{42}", "42").verdict == Verdict::kCorrect);
  CHECK(grade(repeated("{", 1000000), "42").verdict == Verdict::kUnparsable);
  CHECK(grade(repeated("\\boxed{", 2000), "42").verdict == Verdict::kUnparsable);
}

TEST_CASE("Every text cut off anywhere gives a verdict") {
  for (const AnswerPair& pair : read_pairs()) {
    for (std::size_t size = 0; size < pair.answer.size(); ++size) {
      const Grade found = grade(pair.answer.substr(0, size), pair.reference);
      CHECK(found.side.has_value() == (found.verdict == Verdict::kUnparsable));
    }
  }
}

TEST_CASE("Random texts of mathematical pieces give a verdict, and one equal to itself is never wrong") {
  constexpr std::uint64_t kSeed = 7;
  MESSAGE("seed ", kSeed);
  const std::vector<std::string> pieces{
      "x",       "2", "\\frac", "{",     "}",         "(", ")",     "^",    "_",   "+",    "-",   "\\sqrt", "[",
      "]",       ",", "\\pi",   "\\sin", "|",         "!", "\\cup", "=",    "<",   "\\pm", "\\{", "\\}",    "i",
      "\\infty", "%", "\\circ", "\\ln",  "\\text{a}", ":", "&",     "sqrt", "max", "0",    "*0*"};
  RandomStream random(kSeed);
  for (int n = 0; n < 20000; ++n) {
    std::string text;
    const std::size_t size = 1 + random.below(12);
    for (std::size_t k = 0; k < size; ++k) {
      text += pieces[random.below(pieces.size())];
    }
    CAPTURE(text);
    const Grade found = grade(text, text);
    CAPTURE(found.answer_normal);
    CAPTURE(found.reason);
    CHECK(found.verdict != Verdict::kWrong);
  }
}

TEST_CASE("Splices of real answers give a verdict, and one equal to itself is never wrong") {
  constexpr std::uint64_t kSeed = 7;
  MESSAGE("seed ", kSeed);
  const std::vector<AnswerPair> pairs = read_pairs();
  RandomStream random(kSeed);
  for (int n = 0; n < 20000; ++n) {
    std::string text;
    const std::size_t parts = 1 + random.below(4);
    for (std::size_t k = 0; k < parts; ++k) {
      const AnswerPair& pair = pairs[random.below(pairs.size())];
      const std::string& whole = random.below(2) == 0 ? pair.answer : pair.reference;
      const std::size_t begin = random.below(whole.size() + 1);
      text += whole.substr(begin, random.below(whole.size() - begin + 1));
    }
    CAPTURE(text);
    const Grade found = grade(text, text);
    CAPTURE(found.answer_normal);
    CAPTURE(found.reason);
    CHECK(found.verdict != Verdict::kWrong);
  }
}

}  // namespace
}  // namespace endorm
