// Exact forms: what they look like, and that they agree with evaluation.
#include <string>

#include <doctest/doctest.h>

#include "core/random.h"
#include "grade/expression.h"
#include "grade/grade.h"
#include "grade/normal_form.h"
#include "grade/numeric.h"

namespace endorm {
namespace {

std::string form(const std::string& text) { return exact_form(parse_answer(text)).value_or("none"); }

TEST_CASE("Numbers and polynomials have one form") {
  CHECK(form("0.1\\overline{27}") == "7/55");
  CHECK(form("4/6") == "2/3");
  CHECK(form("2.50") == "5/2");
  CHECK(form("4.5e3") == "4500");
  CHECK(form("\\sqrt{12}") == "2*sqrt(3)");
  CHECK(form("\\frac{6}{\\sqrt{3}}") == "2*sqrt(3)");
  CHECK(form("\\sqrt{6}\\sqrt{10}") == "2*sqrt(15)");
  CHECK(form("\\sqrt{-4}") == "2*i");
  CHECK(form("1/i") == "-i");
  CHECK(form("(x+1)^2") == "x^2 + 2*x + 1");
  CHECK(form("(x-1)(x+1)/x") == "x - x^(-1)");
  CHECK(form("5!") == "120");
  CHECK(form("\\binom{5}{2}") == "10");
  CHECK(form("0*x") == "0");
}

TEST_CASE("What has no exact form that is worth having says so") {
  CHECK(form("\\sin 1") == "none");
  CHECK(form("1/0") == "none");
  CHECK(form("0^0") == "none");
  CHECK(form("1/(x+1)") == "none");
  CHECK(form("(a+b+c+d)^{40}") == "none");
  CHECK(form("2^{10^9}") == "none");
  CHECK(form("100000!") == "none");
}

// A polynomial in x and y with small coefficients, as text.
std::string random_polynomial(RandomStream& random, int depth) {
  if (depth == 0 || random.below(5) == 0) {
    const std::string leaves[] = {"x", "y", "2", "3", "1/2", "\\sqrt{2}", "i"};
    return leaves[random.below(7)];
  }
  const std::string left = random_polynomial(random, depth - 1);
  const std::string right = random_polynomial(random, depth - 1);
  switch (random.below(3)) {
    case 0:
      return "(" + left + " + " + right + ")";
    case 1:
      return "(" + left + " - " + right + ")";
    default:
      return "(" + left + ")(" + right + ")";
  }
}

TEST_CASE("An exact form is equal to what it is the form of, by evaluation") {
  constexpr std::uint64_t kSeed = 20261125;
  MESSAGE("seed ", kSeed);
  RandomStream random(kSeed);
  for (int n = 0; n < 300; ++n) {
    const std::string text = random_polynomial(random, 4);
    const Node tree = parse_answer(text);
    const std::optional<std::string> exact = exact_form(tree);
    CAPTURE(text);
    REQUIRE(exact.has_value());
    CAPTURE(*exact);
    Budget budget;
    CHECK(same_value(tree, parse_answer(*exact), budget) == Sameness::kSame);
    CHECK(same_value(tree, parse_answer(*exact + " + 1/1000000"), budget) == Sameness::kDifferent);
    CHECK(form(*exact) == *exact);
  }
}

}  // namespace
}  // namespace endorm
