#pragma once

#include <span>

namespace endorm {

// Subtracts the mean of the values and, where divide is set, divides by their standard deviation (n - 1 in its
// denominator) + epsilon. values [n] points at each of them, so that they may lie in many arrays. Equal values, and one
// value alone, become exactly 0. Throws InvalidInput on a value that is not finite.
void standardise(std::span<double* const> values, bool divide, double epsilon);

}  // namespace endorm
