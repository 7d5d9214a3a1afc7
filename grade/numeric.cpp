#include "grade/numeric.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>

#include "core/random.h"
#include "grade/evaluation.h"

namespace endorm {
namespace {

void collect_symbols(const Node& node, std::set<std::string>& names) {
  if (node.kind == Kind::kSymbol) {
    names.insert(node.name);
  }
  for (const Node& child : node.children) {
    collect_symbols(child, names);
  }
}

bool has_symbol(const Node& node) {
  return any_node(node, [](const Node& inner) { return inner.kind == Kind::kSymbol; });
}

// Whether variables only make sense as integers there.
bool wants_integers(const Node& node) {
  return any_node(node, [](const Node& inner) {
    const bool counts = inner.kind == Kind::kFactorial || (inner.kind == Kind::kFunction && inner.name == "binom");
    if (counts) {
      return has_symbol(inner);
    }
    return inner.kind == Kind::kPower && inner.children[0].kind == Kind::kNegative && !has_symbol(inner.children[0]) &&
           has_symbol(inner.children[1]);
  });
}

// The variables under a floor or ceiling: they need values on many steps.
void collect_stepped(const Node& node, std::set<std::string>& names) {
  if (node.kind == Kind::kFunction && (node.name == "floor" || node.name == "ceil")) {
    collect_symbols(node, names);
  }
  for (const Node& child : node.children) {
    collect_stepped(child, names);
  }
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
  for (const char c : name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  }
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
    if (domain.integers) {
      point[name] = static_cast<double>(1 + random.below(n < 20 ? 12 : 40));
    } else if (domain.stepped.contains(name)) {
      const double most = n % 2 == 0 ? 30.0 : 1000.0;
      const double size = 1.0 + (most - 1.0) * random.uniform();
      point[name] = is_integer_name(name) ? std::floor(size) : size;
    } else {
      const double size = 0.25 + 3.0 * random.uniform();
      const bool negative = n % 2 == 1 && random.uniform() < 0.5;
      point[name] = negative ? -size : size;
    }
  }
  return point;
}

enum class Contact { kSame, kDifferent, kLeftUndefined, kRightUndefined, kDull, kComplex };

Contact compare_at(const Node& left, const Node& right, const Point& point, double log_base, bool real_only,
                   Budget& budget) {
  const std::optional<Evaluated> a = value_at(left, point, log_base, budget);
  if (!a) {
    return Contact::kLeftUndefined;
  }
  const std::optional<Evaluated> b = value_at(right, point, log_base, budget);
  if (!b) {
    return Contact::kRightUndefined;
  }
  if (real_only && (!a->real() || !b->real())) {
    return Contact::kComplex;
  }
  if (a->differs(*b)) {
    return Contact::kDifferent;
  }
  return a->sharp() && b->sharp() ? Contact::kSame : Contact::kDull;
}

Sameness same_with(const Node& left, const Node& right, const Domain& domain, double log_base, Budget& budget) {
  const bool imaginary = has_named(left, Kind::kConstant, "i") || has_named(right, Kind::kConstant, "i");
  const std::size_t wanted = domain.names.empty() ? 1 : domain.stepped.empty() ? 8 : 24;
  const std::size_t tries = domain.names.empty() ? 1 : 48;
  Contact last = Contact::kDull;
  for (const bool real_only : {!imaginary && !domain.names.empty(), false}) {
    std::size_t found = 0;
    for (std::size_t n = 0; n < tries && found < wanted; ++n) {
      const Contact contact = compare_at(left, right, point_number(n, domain), log_base, real_only, budget);
      if (contact == Contact::kDifferent) {
        return Sameness::kDifferent;
      }
      if (contact == Contact::kSame) {
        ++found;
      } else {
        last = contact;
      }
    }
    if (found * 2 >= wanted) {
      return Sameness::kSame;
    }
  }
  if (last == Contact::kLeftUndefined) {
    return Sameness::kLeftUndefined;
  }
  if (last == Contact::kRightUndefined) {
    return Sameness::kRightUndefined;
  }
  return Sameness::kDifferent;
}

}  // namespace

Sameness same_value(const Node& left, const Node& right, Budget& budget) {
  Domain domain;
  for (const Node* side : {&left, &right}) {
    collect_symbols(*side, domain.names);
    collect_stepped(*side, domain.stepped);
    domain.integers = domain.integers || wants_integers(*side);
  }
  const Sameness natural = same_with(left, right, domain, kNaturalBase, budget);
  const bool plain_log = has_named(left, Kind::kFunction, "log") || has_named(right, Kind::kFunction, "log");
  if (natural == Sameness::kSame || !plain_log) {
    return natural;
  }
  return same_with(left, right, domain, 10.0, budget);
}

std::optional<int> constant_ratio(const Node& left, const Node& right, Budget& budget) {
  Domain domain;
  collect_symbols(left, domain.names);
  collect_symbols(right, domain.names);
  if (domain.names.empty()) {
    return std::nullopt;
  }
  const Node quotient{Kind::kQuotient, "", {left, right}, {}};
  std::optional<Evaluated> ratio;
  std::size_t agreed = 0;
  for (std::size_t n = 0; n < 48 && agreed < 8; ++n) {
    const Point point = point_number(n, domain);
    const std::optional<Evaluated> here = value_at(quotient, point, kNaturalBase, budget);
    if (!here || here->zero()) {
      continue;
    }
    if (ratio && here->differs(*ratio)) {
      return std::nullopt;
    }
    ratio = here;
    ++agreed;
  }
  if (agreed < 4 || !ratio->real()) {
    return std::nullopt;
  }
  return ratio->sign() > 0 ? 1 : -1;
}

std::optional<double> distance(const Node& left, const Node& right, Budget& budget) {
  const std::optional<Evaluated> a = value_at(left, {}, kNaturalBase, budget);
  const std::optional<Evaluated> b = value_at(right, {}, kNaturalBase, budget);
  if (!a || !b || !a->real() || !b->real()) {
    return std::nullopt;
  }
  return std::abs(a->minus(*b));
}

int infinity_sign(const Node& node) {
  const bool negative = node.kind == Kind::kNegative;
  const Node& size = negative ? node.children[0] : node;
  return size.kind != Kind::kConstant || size.name != "infinity" ? 0 : negative ? -1 : 1;
}

std::optional<int> order(const Node& left, const Node& right, Budget& budget) {
  const int left_end = infinity_sign(left);
  const int right_end = infinity_sign(right);
  if (left_end != 0 || right_end != 0) {
    return (left_end > right_end) - (left_end < right_end);
  }
  const std::optional<Evaluated> a = value_at(left, {}, kNaturalBase, budget);
  const std::optional<Evaluated> b = value_at(right, {}, kNaturalBase, budget);
  if (!a || !b || !a->real() || !b->real()) {
    return std::nullopt;
  }
  if (!a->differs(*b)) {
    return 0;
  }
  return a->minus(*b) > 0.0 ? 1 : -1;
}

}  // namespace endorm
