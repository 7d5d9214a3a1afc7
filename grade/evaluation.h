#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "grade/expression.h"
#include "grade/numeric.h"

namespace endorm {

// The values of variables.
using Point = std::map<std::string, double>;

constexpr double kNaturalBase = 2.718281828459045;

// A complex number of 60 decimal digits and a bound on its error. Sizes are binary logarithms.
class Evaluated {
 public:
  struct Value;
  explicit Evaluated(std::shared_ptr<const Value> value) : value_(std::move(value)) {}

  bool real() const;                           // its imaginary part is 0 up to the error
  bool zero() const;                           // it is 0 up to the error
  bool sharp() const;                          // it is known well enough to tell it from others
  int sign() const;                            // -1, 0, 1 of its real part
  bool differs(const Evaluated& other) const;  // by more than the errors
  double minus(const Evaluated& other) const;  // the difference of the real parts, rounded

 private:
  std::shared_ptr<const Value> value_;
};

// The value of a tree at a point; none where it has none there. log_base: of "log" without a base, natural or 10.
std::optional<Evaluated> value_at(const Node& node, const Point& point, double log_base, Budget& budget);

}  // namespace endorm
