#pragma once

#include <string_view>

namespace endorm {

// Refuses a temperature alpha that the formulas cannot divide by: throws InvalidInput unless alpha is a finite number
// above 0 whose reciprocal is finite. `function` names the caller in the message.
void require_temperature(double alpha, std::string_view function);

// Below it, logits divided by a temperature may leave the range of doubles.
inline constexpr double kLeastTemperature = 1e-30;

}  // namespace endorm
