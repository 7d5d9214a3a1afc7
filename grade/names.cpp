#include "grade/names.h"

#include <algorithm>
#include <array>
#include <utility>

namespace endorm {
namespace {

constexpr std::array<std::string_view, 24> kFunctions{
    "sin",  "cos",  "tan", "cot", "sec", "csc",  "arcsin", "arccos", "arctan", "arccot", "sinh", "cosh",
    "tanh", "coth", "ln",  "log", "exp", "sqrt", "gcd",    "lcm",    "max",    "min",    "lg",   "arcsec"};

using Pair = std::pair<std::string_view, std::string_view>;
constexpr std::array<Pair, 12> kOtherSpellings{{{"asin", "arcsin"},
                                                {"acos", "arccos"},
                                                {"atan", "arctan"},
                                                {"tg", "tan"},
                                                {"ctg", "cot"},
                                                {"cosec", "csc"},
                                                {"sin^-1", "arcsin"},
                                                {"cos^-1", "arccos"},
                                                {"tan^-1", "arctan"},
                                                {"cot^-1", "arccot"},
                                                {"arctg", "arctan"},
                                                {"arc", "arc"}}};

struct Unit {
  std::string_view name;
  UnitScale scale;
};

// Factors to metre, second, gram, litre, radian-free counts; a word without a dimension is only dropped.
constexpr Unit kUnits[] = {
    {"mm", {"length", 1e-3}},
    {"cm", {"length", 1e-2}},
    {"m", {"length", 1}},
    {"km", {"length", 1e3}},
    {"meter", {"length", 1}},
    {"meters", {"length", 1}},
    {"metre", {"length", 1}},
    {"metres", {"length", 1}},
    {"centimeter", {"length", 1e-2}},
    {"centimeters", {"length", 1e-2}},
    {"millimeters", {"length", 1e-3}},
    {"kilometer", {"length", 1e3}},
    {"kilometers", {"length", 1e3}},
    {"in", {"length", 0.0254}},
    {"inch", {"length", 0.0254}},
    {"inches", {"length", 0.0254}},
    {"ft", {"length", 0.3048}},
    {"foot", {"length", 0.3048}},
    {"feet", {"length", 0.3048}},
    {"yd", {"length", 0.9144}},
    {"yard", {"length", 0.9144}},
    {"yards", {"length", 0.9144}},
    {"mi", {"length", 1609.344}},
    {"mile", {"length", 1609.344}},
    {"miles", {"length", 1609.344}},
    {"ms", {"time", 1e-3}},
    {"s", {"time", 1}},
    {"sec", {"time", 1}},
    {"second", {"time", 1}},
    {"seconds", {"time", 1}},
    {"min", {"time", 60}},
    {"minute", {"time", 60}},
    {"minutes", {"time", 60}},
    {"h", {"time", 3600}},
    {"hr", {"time", 3600}},
    {"hrs", {"time", 3600}},
    {"hour", {"time", 3600}},
    {"hours", {"time", 3600}},
    {"day", {"time", 86400}},
    {"days", {"time", 86400}},
    {"week", {"time", 604800}},
    {"weeks", {"time", 604800}},
    {"mg", {"mass", 1e-3}},
    {"g", {"mass", 1}},
    {"gram", {"mass", 1}},
    {"grams", {"mass", 1}},
    {"kg", {"mass", 1e3}},
    {"kilogram", {"mass", 1e3}},
    {"kilograms", {"mass", 1e3}},
    {"ml", {"volume", 1e-3}},
    {"mL", {"volume", 1e-3}},
    {"l", {"volume", 1}},
    {"L", {"volume", 1}},
    {"liter", {"volume", 1}},
    {"liters", {"volume", 1}},
    {"litres", {"volume", 1}},
    {"cent", {"money", 1}},
    {"cents", {"money", 1}},
    {"dollar", {"money", 100}},
    {"dollars", {"money", 100}},
    {"USD", {"", 1}},
    {"EUR", {"", 1}},
    {"euros", {"", 1}},
    {"lb", {"", 1}},
    {"lbs", {"", 1}},
    {"pounds", {"", 1}},
    {"mph", {"", 1}},
    {"kmh", {"", 1}},
    {"Hz", {"", 1}},
    {"rad", {"", 1}},
    {"ergs", {"", 1}},
    {"eV", {"", 1}},
    {"am", {"", 1}},
    {"pm", {"", 1}},
    {"units", {"", 1}},
    {"unit", {"", 1}},
    {"sq", {"", 1}},
    {"square", {"", 1}},
    {"cubic", {"", 1}},
    {"per", {"", 1}},
    {"years", {"", 1}},
    {"months", {"", 1}},
    {"people", {"", 1}},
    {"apples", {"", 1}},
};

const Unit* find_unit(std::string_view name) {
  const auto* found = std::find_if(std::begin(kUnits), std::end(kUnits), [&](const Unit& u) { return u.name == name; });
  return found == std::end(kUnits) ? nullptr : found;
}

}  // namespace

bool is_function_name(std::string_view name) {
  const std::string_view one = function_name(name);
  return std::find(kFunctions.begin(), kFunctions.end(), one) != kFunctions.end();
}

std::string_view function_name(std::string_view name) {
  const auto* found = std::find_if(kOtherSpellings.begin(), kOtherSpellings.end(),
                                   [&](const Pair& pair) { return pair.first == name; });
  return found == kOtherSpellings.end() ? name : found->second;
}

bool is_unit_name(std::string_view name) { return name.size() > 1 && find_unit(name) != nullptr; }

UnitScale unit_scale(std::string_view unit) {
  const std::size_t caret = unit.find('^');
  const Unit* known = find_unit(unit.substr(0, caret));
  if (known == nullptr || known->scale.dimension.empty()) {
    return {};
  }
  if (caret == std::string_view::npos) {
    return known->scale;
  }
  const std::string_view power = unit.substr(caret + 1);
  const double factor = known->scale.factor;
  if (known->scale.dimension != "length") {
    return {};
  }
  if (power == "2") {
    return {"area", factor * factor};
  }
  if (power == "3") {
    return {"space", factor * factor * factor};
  }
  return {};
}

}  // namespace endorm
