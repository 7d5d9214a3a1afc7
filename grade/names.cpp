#include "grade/names.h"

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <utility>

namespace endorm {
namespace {

constexpr std::string_view kFunctions[] = {"sin",    "cos",    "tan",  "cot",  "sec",  "csc",  "arcsin", "arccos",
                                           "arctan", "arccot", "sinh", "cosh", "tanh", "coth", "ln",     "log",
                                           "exp",    "sqrt",   "gcd",  "lcm",  "max",  "min",  "lg",     "arcsec"};

// What `words` say: a function's name, or a unit's size.
template <typename Meaning>
struct Row {
  Meaning meaning;
  std::initializer_list<std::string_view> words;
};

const Row<std::string_view> kOtherSpellings[] = {{"arcsin", {"asin", "sin^-1"}},
                                                 {"arccos", {"acos", "cos^-1"}},
                                                 {"arctan", {"atan", "tan^-1", "arctg"}},
                                                 {"arccot", {"cot^-1"}},
                                                 {"tan", {"tg"}},
                                                 {"cot", {"ctg"}},
                                                 {"csc", {"cosec"}}};

// Factors to metre, second, gram, litre, radian-free counts; a word without a dimension is only dropped.
const Row<UnitScale> kUnits[] = {
    {{"length", 1e-3}, {"mm", "millimeters"}},
    {{"length", 1e-2}, {"cm", "centimeter", "centimeters"}},
    {{"length", 1}, {"m", "meter", "meters", "metre", "metres"}},
    {{"length", 1e3}, {"km", "kilometer", "kilometers"}},
    {{"length", 0.0254}, {"in", "inch", "inches"}},
    {{"length", 0.3048}, {"ft", "foot", "feet"}},
    {{"length", 0.9144}, {"yd", "yard", "yards"}},
    {{"length", 1609.344}, {"mi", "mile", "miles"}},
    {{"time", 1e-3}, {"ms"}},
    {{"time", 1}, {"s", "sec", "second", "seconds"}},
    {{"time", 60}, {"min", "minute", "minutes"}},
    {{"time", 3600}, {"h", "hr", "hrs", "hour", "hours"}},
    {{"time", 86400}, {"day", "days"}},
    {{"time", 604800}, {"week", "weeks"}},
    {{"mass", 1e-3}, {"mg"}},
    {{"mass", 1}, {"g", "gram", "grams"}},
    {{"mass", 1e3}, {"kg", "kilogram", "kilograms"}},
    {{"volume", 1e-3}, {"ml", "mL"}},
    {{"volume", 1}, {"l", "L", "liter", "liters", "litres"}},
    {{"money", 1}, {"cent", "cents"}},
    {{"money", 100}, {"dollar", "dollars"}},
    {{"", 1}, {"USD", "EUR", "euros", "lb",   "lbs", "pounds", "mph",   "kmh", "Hz",    "rad",    "ergs",   "eV",
               "am",  "pm",  "units", "unit", "sq",  "square", "cubic", "per", "years", "months", "people", "apples"}},
};

// The row of a table whose list holds a name; its end where none does.
template <typename Table>
const auto* row_of(const Table& table, std::string_view name) {
  return std::find_if(std::begin(table), std::end(table), [&](const auto& row) {
    return std::find(row.words.begin(), row.words.end(), name) != row.words.end();
  });
}

}  // namespace

bool is_function_name(std::string_view name) {
  return std::find(std::begin(kFunctions), std::end(kFunctions), function_name(name)) != std::end(kFunctions);
}

std::string_view function_name(std::string_view name) {
  const auto* found = row_of(kOtherSpellings, name);
  return found == std::end(kOtherSpellings) ? name : found->meaning;
}

bool is_unit_name(std::string_view name) { return name.size() > 1 && row_of(kUnits, name) != std::end(kUnits); }

UnitScale unit_scale(std::string_view unit) {
  const std::size_t caret = unit.find('^');
  const auto* known = row_of(kUnits, unit.substr(0, caret));
  if (known == std::end(kUnits) || known->meaning.dimension.empty()) {
    return {};
  }
  const auto [dimension, factor] = known->meaning;
  if (caret == std::string_view::npos) {
    return known->meaning;
  }
  const std::string_view power = unit.substr(caret + 1);
  if (dimension == "length" && power == "2") {
    return {"area", factor * factor};
  }
  if (dimension == "length" && power == "3") {
    return {"space", factor * factor * factor};
  }
  return {};
}

}  // namespace endorm
