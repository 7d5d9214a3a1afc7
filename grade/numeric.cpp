#include "grade/numeric.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include <boost/multiprecision/cpp_bin_float.hpp>

#include "core/random.h"

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

// A complex number, and the binary logarithm of a bound on its error.
struct Value {
  Real re = 0;
  Real im = 0;
  double error = kExact;

  bool real() const { return im == 0 || log2_size(im) <= error + 1.0; }
  bool zero() const { return log2_size(re) <= error && log2_size(im) <= error; }
  double size() const { return std::max(log2_size(re), log2_size(im)); }
};

Value checked(Real re, Real im, double error) {
  Value value{std::move(re), std::move(im), error};
  if (!mp::isfinite(value.re) || !mp::isfinite(value.im) || value.size() > kLargest) throw Undefined{};
  value.error = std::max(value.error, value.size() - kPrecision) + 0.5;
  if (value.im != 0 && log2_size(value.im) <= value.error) value.im = 0;
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
  if (a.im == 0 && b.im == 0) return checked(a.re * b.re, 0, error);
  return checked(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re, error);
}

Value invert(const Value& a) {
  if (a.zero()) throw Undefined{};
  const double error = a.error - 2.0 * a.size() + 2.0;
  if (a.im == 0) return checked(1 / a.re, 0, error);
  const Real norm = a.re * a.re + a.im * a.im;
  return checked(a.re / norm, -a.im / norm, error);
}

Value exponential(const Value& a) {
  if (log2_size(a.re) > 20.0 || log2_size(a.im) > 60.0) throw Undefined{};
  const Real size = exp(a.re);
  const double error = a.error + log2_size(size);
  return a.im == 0 ? checked(size, 0, error) : checked(size * cos(a.im), size * sin(a.im), error);
}

Value logarithm(const Value& a) {
  if (a.zero()) throw Undefined{};
  const double error = a.error - a.size() + 2.0;
  if (a.im == 0 && a.re > 0) return checked(log(a.re), 0, error);
  return checked(log(a.re * a.re + a.im * a.im) / 2, atan2(a.im, a.re), error);
}

std::optional<std::int64_t> as_integer(const Value& a) {
  if (!a.real() || log2_size(a.re) > 60.0) return std::nullopt;
  const Real nearest = mp::round(a.re);
  if (log2_size(a.re - nearest) > a.error + 1.0) return std::nullopt;
  return static_cast<std::int64_t>(nearest);
}

Value real_root(const Value& a) {
  if (a.zero()) return from_integer(0);
  const double error = a.error - a.size() / 2.0 + 1.0;
  if (a.im == 0 && a.re > 0) return checked(sqrt(a.re), 0, error);
  if (a.im == 0) return checked(0, sqrt(-a.re), error);
  const Value half = multiply(logarithm(a), Value{Real(0.5), 0, kExact});
  return exponential(half);
}

Value raise(const Value& base, const Value& exponent, Budget& budget) {
  const std::optional<std::int64_t> n = as_integer(exponent);
  constexpr std::int64_t kMostSquarings = 1 << 20;
  if (n && std::abs(*n) <= kMostSquarings) {
    if (*n < 0) return raise(invert(base), negate(exponent), budget);
    if (*n == 0 && base.zero()) throw Undefined{};
    Value result = from_integer(1);
    Value square = base;
    for (std::int64_t left = *n; left > 0; left /= 2) {
      budget.spend(4);
      if (left % 2 == 1) result = multiply(result, square);
      if (left > 1) square = multiply(square, square);
    }
    return result;
  }
  if (base.zero()) {
    if (exponent.real() && exponent.re > 0) return from_integer(0);
    throw Undefined{};
  }
  budget.spend(60);
  return exponential(multiply(exponent, logarithm(base)));
}

Value factorial_of(const Value& a, Budget& budget) {
  const std::optional<std::int64_t> n = as_integer(a);
  constexpr std::int64_t kMost = 2000;
  if (!n || *n < 0 || *n > kMost) throw Undefined{};
  budget.spend(static_cast<int>(*n));
  Value product = from_integer(1);
  for (std::int64_t k = 2; k <= *n; ++k) product = multiply(product, from_integer(k));
  return product;
}

// n (n - 1) ... (n - k + 1) / k!: n may be any number.
Value binomial_of(const Value& n, const Value& below, Budget& budget) {
  const std::optional<std::int64_t> k = as_integer(below);
  constexpr std::int64_t kMost = 1000;
  if (!k || *k > kMost) throw Undefined{};
  Value product = from_integer(*k < 0 ? 0 : 1);
  for (std::int64_t j = 0; j < *k; ++j) {
    budget.spend(4);
    product = multiply(multiply(product, add(n, from_integer(-j))), invert(from_integer(j + 1)));
  }
  return product;
}

Value rounded_down(const Value& a) {
  if (!a.real() || log2_size(a.re) > 150.0) throw Undefined{};
  const Real nearest = mp::round(a.re);
  if (log2_size(a.re - nearest) <= a.error + 1.0) return {nearest, 0, kExact};
  return {mp::floor(a.re), 0, kExact};
}

// Trigonometric and hyperbolic functions: of real numbers.
Value of_real(const std::string& name, const Value& a) {
  if (!a.real() || log2_size(a.re) > 60.0) throw Undefined{};
  const Real& x = a.re;
  const auto over = [&](const Real& above, const Real& below) {
    return multiply(checked(above, 0, a.error), invert(checked(below, 0, a.error)));
  };
  if (name == "sin") return checked(sin(x), 0, a.error);
  if (name == "cos") return checked(cos(x), 0, a.error);
  if (name == "tan") return over(sin(x), cos(x));
  if (name == "cot") return over(cos(x), sin(x));
  if (name == "sec") return over(1, cos(x));
  if (name == "csc") return over(1, sin(x));
  if (name == "arctan") return checked(atan(x), 0, a.error);
  if (name == "arccot") return checked(pi() / 2 - atan(x), 0, a.error);
  if (name == "arcsin" || name == "arccos") {
    if (mp::abs(x) > 1) throw Undefined{};
    // Near the ends the slope grows: there the error is the root of that of x.
    const Real room = 1 - mp::abs(x);
    const double error = room == 0 ? a.error / 2.0 : a.error - log2_size(room) / 2.0 + 1.0;
    return checked(name == "arcsin" ? Real(asin(x)) : Real(acos(x)), 0, error);
  }
  if (name == "arcsec") return of_real("arccos", invert(a));
  if (log2_size(x) > 12.0) throw Undefined{};
  const Value up = exponential(a);
  const Value down = exponential(negate(a));
  const Value half{Real(0.5), 0, kExact};
  if (name == "sinh") return multiply(add(up, negate(down)), half);
  if (name == "cosh") return multiply(add(up, down), half);
  if (name == "tanh") return multiply(add(up, negate(down)), invert(add(up, down)));
  if (name == "coth") return multiply(add(up, down), invert(add(up, negate(down))));
  throw Undefined{};
}

using Point = std::map<std::string, Value>;

// Evaluates a tree at a point.
class Evaluation {
 public:
  Evaluation(const Point& point, double plain_log_base, Budget& budget)
      : point_(point), plain_log_base_(plain_log_base), budget_(budget) {}

  Value operator()(const Node& node) const {
    budget_.spend(1);
    const auto child = [&](std::size_t k) { return (*this)(node.children.at(k)); };
    switch (node.kind) {
      case Kind::number:
        return literal(node.name);
      case Kind::symbol: {
        const auto found = point_.find(node.name);
        if (found == point_.end()) throw Undefined{};
        return found->second;
      }
      case Kind::constant:
        if (node.name == "pi") return checked(pi(), 0, kExact);
        if (node.name == "e") return exponential(from_integer(1));
        if (node.name == "i") return {0, 1, kExact};
        throw Undefined{};
      case Kind::sum: {
        Value sum = child(0);
        for (std::size_t k = 1; k < node.children.size(); ++k) sum = add(sum, child(k));
        return sum;
      }
      case Kind::product: {
        Value product = child(0);
        for (std::size_t k = 1; k < node.children.size(); ++k) product = multiply(product, child(k));
        return product;
      }
      case Kind::quotient:
        budget_.spend(2);
        return multiply(child(0), invert(child(1)));
      case Kind::negative:
        return negate(child(0));
      case Kind::power:
        return raise(child(0), child(1), budget_);
      case Kind::factorial:
        return factorial_of(child(0), budget_);
      case Kind::percent:
        return multiply(child(0), invert(from_integer(100)));
      case Kind::degrees:
        return multiply(child(0), multiply(checked(pi(), 0, kExact), invert(from_integer(180))));
      case Kind::function:
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
      if (exponent != std::string::npos && name.size() - exponent > kLongestExponent) throw Undefined{};
      const bool integer = name.size() < 15 && name.find_first_not_of("0123456789") == std::string::npos;
      return integer ? from_integer(std::stoll(name)) : checked(Real(name), 0, kExact);
    }
    std::string digits = name.substr(0, bar);  // enough repetitions for the precision
    const std::string repeated = name.substr(bar + 1, name.size() - bar - 2);
    while (digits.size() < 90) digits += repeated;
    return checked(Real(digits), 0, kExact);
  }

  Value function(const Node& node) const {
    budget_.spend(30);
    const std::string& name = node.name;
    if (node.children.empty()) throw Undefined{};
    const Value first = (*this)(node.children[0]);
    if (name == "sqrt") return real_root(first);
    if (name == "ln" && node.children.size() == 1) return logarithm(first);
    if (name == "log10") return multiply(logarithm(first), invert(logarithm(from_integer(10))));
    if (name == "log" && node.children.size() == 1) {
      return plain_log_base_ == 10.0 ? multiply(logarithm(first), invert(logarithm(from_integer(10))))
                                     : logarithm(first);
    }
    if (name == "abs") {
      if (first.im == 0) return {mp::abs(first.re), 0, first.error};
      return checked(sqrt(Real(first.re * first.re + first.im * first.im)), 0, first.error + 1.0);
    }
    if (name == "floor") return rounded_down(first);
    if (name == "ceil") return negate(rounded_down(negate(first)));
    if (node.children.size() == 1) return of_real(name, first);
    const Value second = (*this)(node.children[1]);
    if (name == "binom") return binomial_of(first, second, budget_);
    if (name == "ln" || name == "log") return multiply(logarithm(second), invert(logarithm(first)));
    if (name == "root") return root(first, second);
    if (name == "max" || name == "min") return extreme(node);
    throw Undefined{};
  }

  // The root of an odd index of a negative number is negative, as school has it.
  Value root(const Value& index, const Value& operand) const {
    const std::optional<std::int64_t> n = as_integer(index);
    const bool odd_of_negative = n && *n % 2 != 0 && operand.real() && operand.re < 0;
    if (odd_of_negative) return negate(raise(negate(operand), invert(index), budget_));
    return raise(operand, invert(index), budget_);
  }

  Value extreme(const Node& node) const {
    Value best = (*this)(node.children[0]);
    for (std::size_t k = 1; k < node.children.size(); ++k) {
      const Value other = (*this)(node.children[k]);
      if (!other.real() || !best.real()) throw Undefined{};
      if ((other.re > best.re) == (node.name == "max")) best = other;
    }
    return best;
  }

  const Point& point_;
  double plain_log_base_;
  Budget& budget_;
};

void collect_symbols(const Node& node, std::set<std::string>& names) {
  if (node.kind == Kind::symbol) names.insert(node.name);
  for (const Node& child : node.children) collect_symbols(child, names);
}

bool has_symbol(const Node& node) {
  return any_node(node, [](const Node& inner) { return inner.kind == Kind::symbol; });
}

// Whether variables only make sense as integers there.
bool wants_integers(const Node& node) {
  return any_node(node, [](const Node& inner) {
    const bool counts = inner.kind == Kind::factorial || (inner.kind == Kind::function && inner.name == "binom");
    if (counts) return has_symbol(inner);
    return inner.kind == Kind::power && inner.children[0].kind == Kind::negative && !has_symbol(inner.children[0]) &&
           has_symbol(inner.children[1]);
  });
}

// The variables under a floor or ceiling: they need values on many steps.
void collect_stepped(const Node& node, std::set<std::string>& names) {
  if (node.kind == Kind::function && (node.name == "floor" || node.name == "ceil")) collect_symbols(node, names);
  for (const Node& child : node.children) collect_stepped(child, names);
}

// Whether mathematicians use the letter for integers.
bool is_integer_name(const std::string& name) {
  return std::string_view("ijklmnKLMN").find(name[0]) != std::string_view::npos;
}

bool has_named(const Node& node, Kind kind, std::string_view name) {
  return any_node(
      node, [&](const Node& inner) { return inner.kind == kind && inner.name == name && inner.children.size() <= 1; });
}

std::uint64_t seed_of(const std::string& name) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a, 64 bit
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

// Which values variables take.
struct Domain {
  std::set<std::string> names;
  std::set<std::string> stepped;  // those of them under a floor or ceiling
  bool integers = false;          // all of them
};

// The values of variables at the n-th point: positive at even ones, of either sign at odd ones. Stepped ones go up to
// 30 at even points and to 1,000 at odd ones, and are integers where their letter is one of i to n.
Point point_number(std::size_t n, const Domain& domain) {
  Point point;
  for (const std::string& name : domain.names) {
    RandomStream random(seed_of(name) + n * 0x9E3779B97F4A7C15ULL);
    if (domain.stepped.contains(name) && !domain.integers) {
      const double most = n % 2 == 0 ? 30.0 : 1000.0;
      const double size = 1.0 + (most - 1.0) * random.uniform();
      point[name] =
          is_integer_name(name) ? from_integer(static_cast<std::int64_t>(size)) : Value{Real(size), 0, kExact};
    } else if (domain.integers) {
      point[name] = from_integer(static_cast<std::int64_t>(1 + random.below(n < 20 ? 12 : 40)));
    } else {
      const double size = 0.25 + 3.0 * random.uniform();
      const bool negative = n % 2 == 1 && random.uniform() < 0.5;
      point[name] = Value{Real(negative ? -size : size), 0, kExact};
    }
  }
  return point;
}

std::optional<Value> value_at(const Node& node, const Point& point, double log_base, Budget& budget) {
  try {
    return Evaluation(point, log_base, budget)(node);
  } catch (const Undefined&) {
    return std::nullopt;
  }
}

// Whether a value is known well enough to tell it from others.
bool sharp(const Value& value) { return value.error < std::max(value.size(), -60.0) - 40.0; }

enum class Contact { same, different, left_undefined, right_undefined, dull, complex };

Contact compare_at(const Node& left, const Node& right, const Point& point, double log_base, bool real_only,
                   Budget& budget) {
  const std::optional<Value> a = value_at(left, point, log_base, budget);
  if (!a) return Contact::left_undefined;
  const std::optional<Value> b = value_at(right, point, log_base, budget);
  if (!b) return Contact::right_undefined;
  if (real_only && (!a->real() || !b->real())) return Contact::complex;
  const double error = std::max(a->error, b->error) + 4.0;
  const double gap = std::max(log2_size(a->re - b->re), log2_size(a->im - b->im));
  if (gap > error) return Contact::different;
  return sharp(*a) && sharp(*b) ? Contact::same : Contact::dull;
}

Sameness same_with(const Node& left, const Node& right, const Domain& domain, double log_base, Budget& budget) {
  const bool imaginary = has_named(left, Kind::constant, "i") || has_named(right, Kind::constant, "i");
  const std::size_t wanted = domain.names.empty() ? 1 : domain.stepped.empty() ? 8 : 24;
  const std::size_t tries = domain.names.empty() ? 1 : 48;
  Contact last = Contact::dull;
  for (const bool real_only : {!imaginary && !domain.names.empty(), false}) {
    std::size_t found = 0;
    for (std::size_t n = 0; n < tries && found < wanted; ++n) {
      const Contact contact = compare_at(left, right, point_number(n, domain), log_base, real_only, budget);
      if (contact == Contact::different) return Sameness::different;
      if (contact == Contact::same) ++found;
      if (contact != Contact::same) last = contact;
    }
    if (found * 2 >= wanted) return Sameness::same;
  }
  if (last == Contact::left_undefined) return Sameness::left_undefined;
  if (last == Contact::right_undefined) return Sameness::right_undefined;
  return Sameness::different;
}

constexpr double kNaturalBase = 2.718281828459045;

}  // namespace

Sameness same_value(const Node& left, const Node& right, Budget& budget) {
  Domain domain;
  for (const Node* side : {&left, &right}) {
    collect_symbols(*side, domain.names);
    collect_stepped(*side, domain.stepped);
    domain.integers = domain.integers || wants_integers(*side);
  }
  const Sameness natural = same_with(left, right, domain, kNaturalBase, budget);
  const bool plain_log = has_named(left, Kind::function, "log") || has_named(right, Kind::function, "log");
  if (natural == Sameness::same || !plain_log) return natural;
  return same_with(left, right, domain, 10.0, budget);
}

std::optional<int> constant_ratio(const Node& left, const Node& right, Budget& budget) {
  Domain domain;
  collect_symbols(left, domain.names);
  collect_symbols(right, domain.names);
  if (domain.names.empty()) return std::nullopt;
  const Node quotient{Kind::quotient, "", {left, right}, {}};
  std::optional<Value> ratio;
  std::size_t agreed = 0;
  for (std::size_t n = 0; n < 48 && agreed < 8; ++n) {
    const Point point = point_number(n, domain);
    const std::optional<Value> here = value_at(quotient, point, kNaturalBase, budget);
    if (!here || here->zero()) continue;
    if (ratio && std::max(log2_size(here->re - ratio->re), log2_size(here->im - ratio->im)) >
                     std::max(here->error, ratio->error) + 4.0) {
      return std::nullopt;
    }
    ratio = here;
    ++agreed;
  }
  if (agreed < 4 || !ratio->real()) return std::nullopt;
  return ratio->re > 0 ? 1 : -1;
}

std::optional<double> distance(const Node& left, const Node& right, Budget& budget) {
  const std::optional<Value> a = value_at(left, {}, kNaturalBase, budget);
  const std::optional<Value> b = value_at(right, {}, kNaturalBase, budget);
  if (!a || !b || !a->real() || !b->real()) return std::nullopt;
  return static_cast<double>(mp::abs(a->re - b->re));
}

std::optional<int> order(const Node& left, const Node& right, Budget& budget) {
  const auto infinite = [](const Node& node) -> int {
    if (node.kind == Kind::constant && node.name == "infinity") return 1;
    const bool below =
        node.kind == Kind::negative && node.children[0].kind == Kind::constant && node.children[0].name == "infinity";
    return below ? -1 : 0;
  };
  const int left_end = infinite(left);
  const int right_end = infinite(right);
  if (left_end != 0 || right_end != 0) return (left_end > right_end) - (left_end < right_end);
  const std::optional<Value> a = value_at(left, {}, kNaturalBase, budget);
  const std::optional<Value> b = value_at(right, {}, kNaturalBase, budget);
  if (!a || !b || !a->real() || !b->real()) return std::nullopt;
  const Real gap = a->re - b->re;
  if (log2_size(gap) <= std::max(a->error, b->error) + 4.0) return 0;
  return gap > 0 ? 1 : -1;
}

}  // namespace endorm
