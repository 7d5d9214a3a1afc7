#include <cstdint>
#include <cstdlib>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include <boost/multiprecision/cpp_int.hpp>

#include "grade/normal_form.h"

namespace endorm {
namespace {

using Integer = boost::multiprecision::cpp_int;
using Rational = boost::multiprecision::cpp_rational;

constexpr std::size_t kMostTerms = 200;
constexpr std::size_t kMostProducts = 1000;  // of terms, in one product of sums
constexpr int kMostExponent = 1000;
constexpr std::size_t kMostBits = 4000;
constexpr std::int64_t kMostRadicand = 100'000'000;

// The node has no exact form that is worth having.
struct NotExact {};

// sqrt(radicand) * i^imaginary * the product of the variables to their powers, none of which is zero.
struct Monomial {
  std::map<std::string, int> powers;
  std::int64_t radicand = 1;
  bool imaginary = false;

  int degree() const {
    return std::accumulate(powers.begin(), powers.end(), 0,
                           [](int sum, const auto& power) { return sum + power.second; });
  }
  // High degrees first, then by name; what has no variable comes last, a real number before an imaginary one.
  friend bool operator<(const Monomial& left, const Monomial& right) {
    const int left_degree = left.degree();
    const int right_degree = right.degree();
    if (left_degree != right_degree) {
      return left_degree > right_degree;
    }
    if (left.powers != right.powers) {
      return left.powers < right.powers;
    }
    return std::pair(left.imaginary, left.radicand) < std::pair(right.imaginary, right.radicand);
  }
};

using Terms = std::map<Monomial, Rational>;

std::size_t bits(const Integer& value) { return value == 0 ? 1 : msb(abs(value)) + 1; }

void require_small(const Rational& value) {
  if (bits(numerator(value)) > kMostBits || bits(denominator(value)) > kMostBits) {
    throw NotExact{};
  }
}

void add(Terms& sum, const Monomial& monomial, const Rational& coefficient) {
  Rational& there = sum[monomial];
  there += coefficient;
  require_small(there);
  if (there == 0) {
    sum.erase(monomial);
  }
  if (sum.size() > kMostTerms) {
    throw NotExact{};
  }
}

Terms term(const Monomial& monomial, const Rational& coefficient) {
  Terms terms;
  add(terms, monomial, coefficient);
  return terms;
}

Terms constant(const Rational& value) { return term({}, value); }

Terms plus(Terms left, const Terms& right, int sign) {
  for (const auto& [monomial, coefficient] : right) {
    add(left, monomial, sign * coefficient);
  }
  return left;
}

std::pair<Monomial, Rational> times(const Monomial& left, const Monomial& right) {
  Monomial monomial = left;
  for (const auto& [name, power] : right.powers) {
    const auto found = monomial.powers.emplace(name, 0).first;
    found->second += power;
    if (std::abs(found->second) > kMostExponent) {
      throw NotExact{};
    }
    if (found->second == 0) {
      monomial.powers.erase(found);
    }
  }
  Rational coefficient = 1;
  const std::int64_t shared = std::gcd(left.radicand, right.radicand);
  const std::int64_t one = left.radicand / shared;
  const std::int64_t other = right.radicand / shared;
  if (one > kMostRadicand / other) {
    throw NotExact{};
  }
  monomial.radicand = one * other;
  coefficient *= shared;
  if (left.imaginary && right.imaginary) {
    coefficient = -coefficient;
  }
  monomial.imaginary = left.imaginary != right.imaginary;
  return {monomial, coefficient};
}

Terms times(const Terms& left, const Terms& right) {
  if (left.size() * right.size() > kMostProducts) {
    throw NotExact{};
  }
  Terms product;
  for (const auto& [left_monomial, left_coefficient] : left) {
    for (const auto& [right_monomial, right_coefficient] : right) {
      const auto [monomial, coefficient] = times(left_monomial, right_monomial);
      add(product, monomial, coefficient * left_coefficient * right_coefficient);
    }
  }
  return product;
}

// One over a single term: sqrt(r) / r for a root, -i for i.
Terms reciprocal(const Terms& terms) {
  if (terms.size() != 1) {
    throw NotExact{};
  }
  const auto& [monomial, coefficient] = *terms.begin();
  Monomial inverse = monomial;
  for (auto& [name, power] : inverse.powers) {
    power = -power;
  }
  Rational value = 1 / (coefficient * monomial.radicand);
  if (monomial.imaginary) {
    value = -value;
  }
  return term(inverse, value);
}

// The exponent as an integer, where it is a small one.
int small_integer(const Terms& terms) {
  if (terms.empty()) {
    return 0;
  }
  const auto& [monomial, coefficient] = *terms.begin();
  const bool number = terms.size() == 1 && monomial.powers.empty() && monomial.radicand == 1 && !monomial.imaginary;
  if (!number || denominator(coefficient) != 1 || bits(numerator(coefficient)) > 20) {
    throw NotExact{};
  }
  return static_cast<int>(numerator(coefficient));
}

Terms power(const Terms& base, int exponent) {
  if (exponent == 0) {
    if (base.empty()) {
      throw NotExact{};
    }
    return constant(1);
  }
  if (exponent < 0) {
    return power(reciprocal(base), -exponent);
  }
  if (base.empty()) {
    return base;
  }
  for (const auto& [monomial, coefficient] : base) {
    const std::size_t larger = std::max(bits(numerator(coefficient)), bits(denominator(coefficient)));
    if ((larger - 1) * static_cast<std::size_t>(exponent) > kMostBits) {
      throw NotExact{};
    }
  }
  constexpr int kMostSumPower = 40;
  if (base.size() > 1 && exponent > kMostSumPower) {
    throw NotExact{};
  }
  Terms result = constant(1);
  Terms square = base;
  for (int left = exponent; left > 0; left /= 2) {
    if (left % 2 == 1) {
      result = times(result, square);
    }
    if (left > 1) {
      square = times(square, square);
    }
  }
  return result;
}

// The square root of a rational number without hidden squares.
Terms square_root(const Terms& terms) {
  if (terms.empty()) {
    return terms;
  }
  const auto& [monomial, value] = *terms.begin();
  if (terms.size() != 1 || !monomial.powers.empty() || monomial.radicand != 1 || monomial.imaginary) {
    throw NotExact{};
  }
  const Integer under = abs(numerator(value)) * denominator(value);
  Rational outside(Integer(1), denominator(value));
  Monomial root;
  root.imaginary = value < 0;
  const Integer whole = sqrt(under);
  if (whole * whole == under) {
    outside *= whole;
  } else {
    if (under > kMostRadicand) {
      throw NotExact{};
    }
    auto rest = static_cast<std::int64_t>(under);
    for (std::int64_t divisor = 2; divisor * divisor <= rest; ++divisor) {
      while (rest % (divisor * divisor) == 0) {
        rest /= divisor * divisor;
        outside *= divisor;
      }
    }
    root.radicand = rest;
  }
  return term(root, outside);
}

// "0.1(27)", ".5" and "4.5e-3" as rationals.
Rational literal_value(const std::string& literal) {
  Integer digits = 0;
  int after_point = 0;
  int repeated = 0;
  bool point = false;
  bool repeats = false;
  Integer before_repeated = 0;
  std::size_t place = 0;
  for (; place < literal.size() && literal[place] != 'e'; ++place) {
    const char c = literal[place];
    if (c == '.') {
      point = true;
    } else if (c == '(') {
      repeats = true;
      before_repeated = digits;
    } else if (c != ')') {
      digits = digits * 10 + (c - '0');
      after_point += point && !repeats ? 1 : 0;
      repeated += repeats ? 1 : 0;
    }
  }
  int exponent = 0;
  if (place < literal.size()) {
    if (literal.size() - place > 6) {
      throw NotExact{};
    }
    exponent = std::atoi(literal.c_str() + place + 1);
  }
  if (std::abs(exponent) > 2000) {
    throw NotExact{};
  }
  const auto ten_to = [](int n) { return Integer(pow(Integer(10), static_cast<unsigned>(n))); };
  Rational value(digits);
  if (repeats) {
    value = Rational(digits - before_repeated, ten_to(repeated) - 1);
  }
  value /= ten_to(after_point);
  if (exponent > 0) {
    value *= ten_to(exponent);
  }
  if (exponent < 0) {
    value /= ten_to(-exponent);
  }
  return value;
}

Terms factorial(const Terms& operand) {
  const int n = small_integer(operand);
  constexpr int kMost = 500;
  if (n < 0 || n > kMost) {
    throw NotExact{};
  }
  Integer product = 1;
  for (int k = 2; k <= n; ++k) {
    product *= k;
  }
  return constant(product);
}

Terms binomial(int n, int k) {
  constexpr int kMost = 2000;
  if (n < 0 || n > kMost || k > kMost) {
    throw NotExact{};
  }
  if (k < 0 || k > n) {
    return {};
  }
  Integer product = 1;
  for (int j = 1; j <= std::min(k, n - k); ++j) {
    product = product * (n - j + 1) / j;
  }
  return constant(product);
}

Terms terms_of(const Node& node) {
  const auto child = [&](std::size_t k) { return terms_of(node.children.at(k)); };
  const auto folded = [&](const auto& operation) {
    Terms all = child(0);
    for (std::size_t k = 1; k < node.children.size(); ++k) {
      all = operation(std::move(all), child(k));
    }
    return all;
  };
  switch (node.kind) {
    case Kind::kNumber:
      return constant(literal_value(node.name));
    case Kind::kSymbol:
    case Kind::kConstant: {
      if (node.name == "infinity") {
        throw NotExact{};
      }
      Monomial variable;
      if (node.kind == Kind::kConstant && node.name == "i") {
        variable.imaginary = true;
      } else {
        variable.powers[node.name] = 1;
      }
      return {{variable, 1}};
    }
    case Kind::kSum:
      return folded([](Terms left, const Terms& right) { return plus(std::move(left), right, 1); });
    case Kind::kProduct:
      return folded([](const Terms& left, const Terms& right) { return times(left, right); });
    case Kind::kQuotient:
      return times(child(0), reciprocal(child(1)));
    case Kind::kNegative:
      return plus({}, child(0), -1);
    case Kind::kPower:
      return power(child(0), small_integer(child(1)));
    case Kind::kFactorial:
      return factorial(child(0));
    case Kind::kPercent:
      return times(child(0), constant(Rational(1, 100)));
    case Kind::kFunction:
      if (node.name == "sqrt") {
        return square_root(child(0));
      }
      if (node.name == "binom") {
        return binomial(small_integer(child(0)), small_integer(child(1)));
      }
      throw NotExact{};
    default:
      throw NotExact{};
  }
}

std::string text_of(const Rational& value) {
  return denominator(value) == 1 ? numerator(value).str() : numerator(value).str() + "/" + denominator(value).str();
}

// One term without its sign.
std::string text_of(const Monomial& monomial, const Rational& size) {
  std::string text;
  const auto factor = [&](const std::string& name) {
    if (!text.empty()) {
      text += '*';
    }
    text += name;
  };
  if (size != 1) {
    factor(text_of(size));
  }
  if (monomial.radicand != 1) {
    factor("sqrt(" + std::to_string(monomial.radicand) + ")");
  }
  if (monomial.imaginary) {
    factor("i");
  }
  for (const auto& [name, power] : monomial.powers) {
    std::string raised = name;
    if (power != 1) {
      raised.append(power < 0 ? "^(" : "^").append(std::to_string(power)).append(power < 0 ? ")" : "");
    }
    factor(raised);
  }
  return text.empty() ? "1" : text;
}

}  // namespace

std::optional<std::string> exact_form(const Node& node) {
  try {
    const Terms terms = terms_of(node);
    std::string text;
    for (const auto& [monomial, coefficient] : terms) {
      const bool negative = coefficient < 0;
      text += text.empty() ? (negative ? "-" : "") : (negative ? " - " : " + ");
      text += text_of(monomial, negative ? Rational(-coefficient) : coefficient);
    }
    return text.empty() ? "0" : text;
  } catch (const NotExact&) {
    return std::nullopt;
  }
}

}  // namespace endorm
