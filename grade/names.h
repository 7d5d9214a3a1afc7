#pragma once

#include <string_view>

namespace endorm {

// Whether the name is one of a function of one operand that we evaluate, e.g. "sin", as TeX and programs spell it.
bool is_function_name(std::string_view name);

// One name for the spellings of a function: "asin" and "sin^-1" are "arcsin".
std::string_view function_name(std::string_view name);

// Whether the letters are a word for a unit or a currency, e.g. "cm", "mph", "dollars".
bool is_unit_name(std::string_view name);

// A unit in terms of a base unit: value * factor is in `dimension`. dimension is empty for one that we do not know.
struct UnitScale {
  std::string_view dimension;
  double factor = 1.0;
};
UnitScale unit_scale(std::string_view unit);

}  // namespace endorm
