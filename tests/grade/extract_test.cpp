// Where in a text the answer is found.
#include "grade/extract.h"

#include <doctest/doctest.h>

namespace endorm {
namespace {

TEST_CASE("The last box, with its nesting") {
  CHECK(extract_answer("so \\boxed{\\frac{1}{\\sqrt{2}}}.").text == "\\frac{1}{\\sqrt{2}}");
  CHECK(extract_answer("\\boxed{1} is false. Later: \\boxed{2}").text == "2");
  CHECK(extract_answer("\\boxed{\\{1, 2\\}}").text == "\\{1, 2\\}");
  CHECK(extract_answer("\\boxed{\\frac{1}{2}\nand more").text == "\\frac{1}{2}");
  CHECK(extract_answer("\\boxed{5} dollars").place == AnswerPlace::kBox);
}

TEST_CASE("Boxes that only a joining word parts belong together") {
  CHECK(extract_answer("$\\boxed{1}$ and $\\boxed{2}$").text == "1, 2");
  CHECK(extract_answer("$\\boxed{1}$, $\\boxed{2}$, or $\\boxed{3}$").text == "1, 2, 3");
  CHECK(extract_answer("\\boxed{1}. We check again and find \\boxed{2}").text == "2");
  CHECK(extract_answer("\\boxed{1}\n\n\\boxed{2}").text == "2");
}

TEST_CASE("Phrases, hashes, formulas and numbers, in this order") {
  CHECK(extract_answer("She has 5 left.\n#### 1,234").text == "1,234");
  CHECK(extract_answer("The answer is 12. Bye").text == "12");
  CHECK(extract_answer("The answer is 1.5.").text == "1.5");
  CHECK(extract_answer("**Answer:** $x=3$").text == "$x=3$");
  CHECK(extract_answer("The answer is that he has paid 12 dollars").text == "12");
  CHECK(extract_answer("So the total of all of this is $3 + 4 = 7$.").text == " 7");
  CHECK(extract_answer("So the total of all of them is 1,234.50 then").text == "1,234.50");
  CHECK(extract_answer("It went down all the way to -3.").text == "-3");
  CHECK(extract_answer("Nobody can say what it is at all").place == AnswerPlace::kNowhere);
  CHECK(extract_answer("").text.empty());
}

TEST_CASE("Boxes of the last paragraph that prose parts") {
  const ExtractedAnswer found = extract_answer("As \\boxed{9} shows.\n\nAt most \\boxed{3} and at least \\boxed{1}.");
  CHECK(found.text == "1");
  CHECK(found.paragraph_boxes == "3, 1");
  CHECK(extract_answer("\\boxed{3} and \\boxed{1}").paragraph_boxes.empty());
}

TEST_CASE("Hashes of a heading are no answer") {
  CHECK(extract_answer("#### Step 1: we add them\nSo in the end we have 5 of them.").text == "5");
  CHECK(extract_answer("#### 3. Result\nSo in the end we have 5 of them.").text == "5");
  CHECK(extract_answer("So she has 6 of them.\n#### 6\n\nQuestion: and what is 7 + 8?").text == "6");
}

TEST_CASE("Signs of money open no formula, and formulas that a word joins are a list") {
  CHECK(extract_answer("She pays $10 for lunch and $25 for dinner, so $35.").text == "35");
  CHECK(extract_answer("He gets from $198.00 - $246.00 = -$48.00. So he will have $48.00 fewer.").text == "48.00");
  CHECK(extract_answer("We see that the roots are $x = 5$ and $x = -2$.").text == " 5,  -2");
  CHECK(extract_answer("We see that it is so with $a = 5$ and $x = -2$.").text == " -2");
  CHECK(extract_answer("So there are 13 of them for every $n$ and every $m$.").text == "13");
  CHECK(extract_answer("Therefore, the cosine is $\\cos RPS = -\\frac{24}{25}$.").text == " -\\frac{24}{25}");
  CHECK(extract_answer("The answer is:\n\\[\nx = 5\n\\]\nBye").text == "\\[\nx = 5\n\\]");
}

TEST_CASE("Letters of a multiple choice") {
  CHECK(choice_letter("(C)") == 'C');
  CHECK(choice_letter("\\textbf{(C)}\\ 12") == 'C');
  CHECK(choice_letter("C. 12") == 'C');
  CHECK(choice_letter("C") == 'C');
  CHECK(choice_letter("(C, D)") == '\0');
  CHECK(choice_letter("Cat") == '\0');
  CHECK(choice_letter("(K)") == '\0');
  CHECK(choice_letter("2") == '\0');
  CHECK(choice_letter("") == '\0');
}

}  // namespace
}  // namespace endorm
