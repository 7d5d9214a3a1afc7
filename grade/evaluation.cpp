#include "grade/evaluation.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <utility>

#include <boost/multiprecision/cpp_bin_float.hpp>

namespace endorm {
namespace {

namespace mp = boost::multiprecision;
using Real = mp::number<mp::cpp_bin_float<60>, mp::et_off>;

// What has no value there: a division by zero, a logarithm of zero, a number out of range.
struct Undefined {};

constexpr double kPrecision = 195.0;  // bits that a rounded operation keeps
constexpr double kExact = -1e9;       // log2 of the error of an exact value
constexpr double kLargest = 1e6;      // log2 of the largest value that is computed with

double log2_size(const Real& value) { return value == 0 ? kExact : static_cast<double>(mp::ilogb(value)) + 1.0; }

}  // namespace

// A complex number, and the binary logarithm of a bound on its error.
struct Evaluated::Value {
  Real re = 0;
  Real im = 0;
  double error = kExact;

  bool real() const { return im == 0 || log2_size(im) <= error + 1.0; }
  bool zero() const { return log2_size(re) <= error && log2_size(im) <= error; }
  double size() const { return std::max(log2_size(re), log2_size(im)); }
};

namespace {

using Value = Evaluated::Value;

Value checked(Real re, Real im, double error) {
  Value value{std::move(re), std::move(im), error};
  if (!mp::isfinite(value.re) || !mp::isfinite(value.im) || value.size() > kLargest) {
    throw Undefined{};
  }
  value.error = std::max({value.error, value.size() - kPrecision, kExact}) + 0.5;  // a zero has the size of kExact
  if (value.im != 0 && log2_size(value.im) <= value.error) {
    value.im = 0;
  }
  return value;
}

Value from_integer(std::int64_t n) { return Value{Real(n), 0, kExact}; }

const Real& pi() {
  static const Real value = 4 * atan(Real(1));
  return value;
}

Value add(const Value& a, const Value& b) {
  return checked(a.re + b.re, a.im + b.im, std::max(a.error, b.error) + 0.5);
}
Value negate(const Value& a) { return {-a.re, -a.im, a.error}; }

Value multiply(const Value& a, const Value& b) {
  const double error = std::max(a.size() + b.error, b.size() + a.error) + 1.0;
  if (a.im == 0 && b.im == 0) {
    return checked(a.re * b.re, 0, error);
  }
  return checked(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re, error);
}

Value invert(const Value& a) {
  if (a.zero()) {
    throw Undefined{};
  }
  const double error = a.error - 2.0 * a.size() + 2.0;
  if (a.im == 0) {
    return checked(1 / a.re, 0, error);
  }
  const Real norm = a.re * a.re + a.im * a.im;
  return checked(a.re / norm, -a.im / norm, error);
}

Value exponential(const Value& a) {
  if (log2_size(a.re) > 20.0 || log2_size(a.im) > 60.0) {
    throw Undefined{};
  }
  const Real size = exp(a.re);
  const double error = a.error + log2_size(size);
  return a.im == 0 ? checked(size, 0, error) : checked(size * cos(a.im), size * sin(a.im), error);
}

Value logarithm(const Value& a) {
  if (a.zero()) {
    throw Undefined{};
  }
  const double error = a.error - a.size() + 2.0;
  if (a.im == 0 && a.re > 0) {
    return checked(log(a.re), 0, error);
  }
  return checked(log(a.re * a.re + a.im * a.im) / 2, atan2(a.im, a.re), error);
}

std::optional<std::int64_t> as_integer(const Value& a) {
  if (!a.real() || log2_size(a.re) > 60.0) {
    return std::nullopt;
  }
  const Real nearest = mp::round(a.re);
  if (log2_size(a.re - nearest) > a.error + 1.0) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(nearest);
}

Value real_root(const Value& a) {
  if (a.zero()) {
    return from_integer(0);
  }
  const double error = a.error - a.size() / 2.0 + 1.0;
  if (a.im == 0 && a.re > 0) {
    return checked(sqrt(a.re), 0, error);
  }
  if (a.im == 0) {
    return checked(0, sqrt(-a.re), error);
  }
  return exponential(multiply(logarithm(a), Value{Real(0.5), 0, kExact}));
}

Value logarithm_in(const Value& base, const Value& a) { return multiply(logarithm(a), invert(logarithm(base))); }

Value absolute(const Value& a) {
  if (a.im == 0) {
    return {mp::abs(a.re), 0, a.error};
  }
  return checked(sqrt(Real(a.re * a.re + a.im * a.im)), 0, a.error + 1.0);
}

Value raise(const Value& base, const Value& exponent, Budget& budget) {
  const std::optional<std::int64_t> n = as_integer(exponent);
  constexpr std::int64_t kMostSquarings = 1 << 20;
  if (n && std::abs(*n) <= kMostSquarings) {
    if (*n < 0) {
      return raise(invert(base), negate(exponent), budget);
    }
    if (*n == 0 && base.zero()) {
      throw Undefined{};
    }
    Value result = from_integer(1);
    Value square = base;
    for (std::int64_t left = *n; left > 0; left /= 2) {
      budget.spend(4);
      if (left % 2 == 1) {
        result = multiply(result, square);
      }
      if (left > 1) {
        square = multiply(square, square);
      }
    }
    return result;
  }
  if (base.zero()) {
    if (exponent.real() && exponent.re > 0) {
      return from_integer(0);
    }
    throw Undefined{};
  }
  budget.spend(60);
  return exponential(multiply(exponent, logarithm(base)));
}

Value factorial_of(const Value& a, Budget& budget) {
  const std::optional<std::int64_t> n = as_integer(a);
  constexpr std::int64_t kMost = 2000;
  if (!n || *n < 0 || *n > kMost) {
    throw Undefined{};
  }
  budget.spend(static_cast<int>(*n));
  Value product = from_integer(1);
  for (std::int64_t k = 2; k <= *n; ++k) {
    product = multiply(product, from_integer(k));
  }
  return product;
}

// n (n - 1) ... (n - k + 1) / k!: n may be any number.
Value binomial_of(const Value& n, const Value& below, Budget& budget) {
  const std::optional<std::int64_t> k = as_integer(below);
  constexpr std::int64_t kMost = 1000;
  if (!k || *k > kMost) {
    throw Undefined{};
  }
  Value product = from_integer(*k < 0 ? 0 : 1);
  for (std::int64_t j = 0; j < *k; ++j) {
    budget.spend(4);
    product = multiply(multiply(product, add(n, from_integer(-j))), invert(from_integer(j + 1)));
  }
  return product;
}

Value rounded_down(const Value& a) {
  if (!a.real() || log2_size(a.re) > 150.0) {
    throw Undefined{};
  }
  const Real nearest = mp::round(a.re);
  if (log2_size(a.re - nearest) <= a.error + 1.0) {
    return {nearest, 0, kExact};
  }
  return {mp::floor(a.re), 0, kExact};
}

Value over(const Real& above, const Real& below, double error) {
  return multiply(checked(above, 0, error), invert(checked(below, 0, error)));
}

// The error of an arc sine or cosine. Near the ends the slope grows: there it is the root of that of x.
double arc_error(const Value& a) {
  if (mp::abs(a.re) > 1) {
    throw Undefined{};
  }
  const Real room = 1 - mp::abs(a.re);
  return room == 0 ? a.error / 2.0 : a.error - log2_size(room) / 2.0 + 1.0;
}

// e^a + e^-a and e^a - e^-a.
std::pair<Value, Value> hyperbolic(const Value& a) {
  if (log2_size(a.re) > 12.0) {
    throw Undefined{};
  }
  const Value up = exponential(a);
  const Value down = exponential(negate(a));
  return {add(up, down), add(up, negate(down))};
}

const Value kHalf{Real(0.5), 0, kExact};

Value of_one(std::string_view name, const Value& a);

struct OneOperand {
  std::string_view name;
  bool of_complex;  // or of real numbers alone
  Value (*value)(const Value& a);
};

constexpr OneOperand kOneOperand[] = {
    {"sqrt", true, real_root},
    {"ln", true, logarithm},
    {"log10", true, [](const Value& a) { return logarithm_in(from_integer(10), a); }},
    {"abs", true, absolute},
    {"floor", true, rounded_down},
    {"ceil", true, [](const Value& a) { return negate(rounded_down(negate(a))); }},
    {"sin", false, [](const Value& a) { return checked(sin(a.re), 0, a.error); }},
    {"cos", false, [](const Value& a) { return checked(cos(a.re), 0, a.error); }},
    {"tan", false, [](const Value& a) { return over(sin(a.re), cos(a.re), a.error); }},
    {"cot", false, [](const Value& a) { return over(cos(a.re), sin(a.re), a.error); }},
    {"sec", false, [](const Value& a) { return over(1, cos(a.re), a.error); }},
    {"csc", false, [](const Value& a) { return over(1, sin(a.re), a.error); }},
    {"arctan", false, [](const Value& a) { return checked(atan(a.re), 0, a.error); }},
    {"arccot", false, [](const Value& a) { return checked(pi() / 2 - atan(a.re), 0, a.error); }},
    {"arcsin", false, [](const Value& a) { return checked(asin(a.re), 0, arc_error(a)); }},
    {"arccos", false, [](const Value& a) { return checked(acos(a.re), 0, arc_error(a)); }},
    {"arcsec", false, [](const Value& a) { return of_one("arccos", invert(a)); }},
    {"sinh", false, [](const Value& a) { return multiply(hyperbolic(a).second, kHalf); }},
    {"cosh", false, [](const Value& a) { return multiply(hyperbolic(a).first, kHalf); }},
    {"tanh", false,
     [](const Value& a) {
       const auto [sum, difference] = hyperbolic(a);
       return multiply(difference, invert(sum));
     }},
    {"coth", false,
     [](const Value& a) {
       const auto [sum, difference] = hyperbolic(a);
       return multiply(sum, invert(difference));
     }},
};

Value of_one(std::string_view name, const Value& a) {
  const auto* const found =
      std::find_if(std::begin(kOneOperand), std::end(kOneOperand), [&](const OneOperand& f) { return f.name == name; });
  if (found == std::end(kOneOperand) || (!found->of_complex && (!a.real() || log2_size(a.re) > 60.0))) {
    throw Undefined{};
  }
  return found->value(a);
}

// Evaluates a tree at a point.
class Evaluation {
 public:
  Evaluation(const Point& point, double plain_log_base, Budget& budget)
      : point_(point), plain_log_base_(plain_log_base), budget_(budget) {}

  Value operator()(const Node& node) const {
    budget_.spend(1);
    const auto child = [&](std::size_t k) { return (*this)(node.children.at(k)); };
    const auto folded = [&](Value (*operation)(const Value&, const Value&)) {
      Value all = child(0);
      for (std::size_t k = 1; k < node.children.size(); ++k) {
        all = operation(all, child(k));
      }
      return all;
    };
    switch (node.kind) {
      case Kind::kNumber:
        return literal(node.name);
      case Kind::kSymbol: {
        const auto found = point_.find(node.name);
        if (found == point_.end()) {
          throw Undefined{};
        }
        return Value{Real(found->second), 0, kExact};
      }
      case Kind::kConstant:
        if (node.name == "pi") {
          return checked(pi(), 0, kExact);
        }
        if (node.name == "e") {
          return exponential(from_integer(1));
        }
        if (node.name == "i") {
          return {0, 1, kExact};
        }
        throw Undefined{};
      case Kind::kSum:
        return folded(add);
      case Kind::kProduct:
        return folded(multiply);
      case Kind::kQuotient:
        budget_.spend(2);
        return multiply(child(0), invert(child(1)));
      case Kind::kNegative:
        return negate(child(0));
      case Kind::kPower:
        return raise(child(0), child(1), budget_);
      case Kind::kFactorial:
        return factorial_of(child(0), budget_);
      case Kind::kPercent:
        return multiply(child(0), invert(from_integer(100)));
      case Kind::kDegrees:
        return multiply(child(0), multiply(checked(pi(), 0, kExact), invert(from_integer(180))));
      case Kind::kFunction:
        return function(node);
      default:
        throw Undefined{};
    }
  }

 private:
  static Value literal(const std::string& name) {
    const std::size_t bar = name.find('(');
    if (bar == std::string::npos) {
      constexpr std::size_t kLongestExponent = 6;
      const std::size_t exponent = name.find('e');
      if (exponent != std::string::npos && name.size() - exponent > kLongestExponent) {
        throw Undefined{};
      }
      const bool integer = name.size() < 15 && name.find_first_not_of("0123456789") == std::string::npos;
      return integer ? from_integer(std::stoll(name)) : checked(Real(name), 0, kExact);
    }
    std::string digits = name.substr(0, bar);  // enough repetitions for the precision
    const std::string repeated = name.substr(bar + 1, name.size() - bar - 2);
    while (digits.size() < 90) {
      digits += repeated;
    }
    return checked(Real(digits), 0, kExact);
  }

  Value function(const Node& node) const {
    budget_.spend(30);
    const std::string& name = node.name;
    if (node.children.empty()) {
      throw Undefined{};
    }
    const Value first = (*this)(node.children[0]);
    if (node.children.size() == 1) {
      return of_one(name == "log" ? (plain_log_base_ == 10.0 ? "log10" : "ln") : name, first);
    }
    const Value second = (*this)(node.children[1]);
    if (name == "binom") {
      return binomial_of(first, second, budget_);
    }
    if (name == "ln" || name == "log") {
      return logarithm_in(first, second);
    }
    if (name == "root") {
      return root(first, second);
    }
    if (name == "max" || name == "min") {
      return extreme(node);
    }
    throw Undefined{};
  }

  // The root of an odd index of a negative number is negative, as school has it.
  Value root(const Value& index, const Value& operand) const {
    const std::optional<std::int64_t> n = as_integer(index);
    const bool odd_of_negative = n && *n % 2 != 0 && operand.real() && operand.re < 0;
    if (odd_of_negative) {
      return negate(raise(negate(operand), invert(index), budget_));
    }
    return raise(operand, invert(index), budget_);
  }

  Value extreme(const Node& node) const {
    Value best = (*this)(node.children[0]);
    for (std::size_t k = 1; k < node.children.size(); ++k) {
      const Value other = (*this)(node.children[k]);
      if (!other.real() || !best.real()) {
        throw Undefined{};
      }
      if ((other.re > best.re) == (node.name == "max")) {
        best = other;
      }
    }
    return best;
  }

  const Point& point_;
  double plain_log_base_;
  Budget& budget_;
};

}  // namespace

bool Evaluated::real() const { return value_->real(); }

bool Evaluated::zero() const { return value_->zero(); }

bool Evaluated::sharp() const { return value_->error < std::max(value_->size(), -60.0) - 40.0; }

int Evaluated::sign() const { return value_->re.sign(); }

bool Evaluated::differs(const Evaluated& other) const {
  const double gap = std::max(log2_size(value_->re - other.value_->re), log2_size(value_->im - other.value_->im));
  return gap > std::max(value_->error, other.value_->error) + 4.0;
}

double Evaluated::minus(const Evaluated& other) const { return static_cast<double>(value_->re - other.value_->re); }

std::optional<Evaluated> value_at(const Node& node, const Point& point, double log_base, Budget& budget) {
  try {
    return Evaluated(std::make_shared<const Value>(Evaluation(point, log_base, budget)(node)));
  } catch (const Undefined&) {
    return std::nullopt;
  }
}

}  // namespace endorm
