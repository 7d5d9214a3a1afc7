#pragma once

#include <optional>

#include "grade/expression.h"

namespace endorm {

// The work of one grade was more than its limit; never leaves grade/.
struct TooMuchWork {};

// What one grade may still spend on evaluation. An addition costs 1, a sine 30; spending more throws TooMuchWork.
class Budget {
 public:
  void spend(int units) {
    if ((left_ -= units) < 0) {
      throw TooMuchWork{};
    }
  }

 private:
  int left_ = 15'000;
};

enum class Sameness { kSame, kDifferent, kLeftUndefined, kRightUndefined };

// Whether two expressions are equal wherever both are defined, by evaluation with 60 decimal digits and a bound on the
// error of each value: at eight points for variables, else at one. Points are fixed pseudorandom numbers of a
// variable's name; they are positive integers where a factorial, a binomial or a power of a negative number holds a
// variable. Without i, points where either side is not real are passed over if enough others remain. "Different" is
// certain up to rounding bounds; "same" may err: docs/grading.md says how likely. left_undefined, right_undefined: no
// point was found where that side has a value, e.g. 1/0.
Sameness same_value(const Node& left, const Node& right, Budget& budget);

// The sign, +1 or -1, of left / right where that is one real number for all values of the variables; none where it
// depends on them, is not real, or where there are no variables.
std::optional<int> constant_ratio(const Node& left, const Node& right, Budget& budget);

// |left - right| where neither has variables and both are defined.
std::optional<double> distance(const Node& left, const Node& right, Budget& budget);

// +1 or -1 where a node is infinity or its negative, else 0.
int infinity_sign(const Node& node);

// -1, 0, 1 as left is below, equal to or above right; both real numbers without variables, infinity included.
std::optional<int> order(const Node& left, const Node& right, Budget& budget);

}  // namespace endorm
