#include "score/option.h"

#include <cmath>
#include <sstream>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "score/json_check.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

bool are_all(const Json& list, bool (Json::*is)() const noexcept) {
  return list.is_array() && std::all_of(list.begin(), list.end(), [&](const Json& item) { return (item.*is)(); });
}

bool is_within(const OptionRange& range, const Json& number) {
  const double value = number.get<double>();
  return std::isfinite(value) && (range.open ? value > range.least : value >= range.least) && value <= range.most;
}

std::string spelled(double number) {
  std::ostringstream text;
  text.precision(std::numeric_limits<double>::digits10);
  text << number;
  return text.str();
}

// " from 0 to 1", " above 0", " of at least 1"; nothing where every number is within.
std::string wanted_range(const OptionRange& range) {
  const bool least = std::isfinite(range.least);
  if (least && std::isfinite(range.most)) {
    return " from " + spelled(range.least) + " to " + spelled(range.most);
  }
  return !least ? "" : (range.open ? " above " : " of at least ") + spelled(range.least);
}

}  // namespace

std::string wanted_of(const OptionFacts& facts) {
  switch (facts.kind) {
    case OptionKind::kSwitch:
      return "true or false";
    case OptionKind::kWhole:
      return "a whole number" + wanted_range(facts.range);
    case OptionKind::kNumber:
      return "a number" + wanted_range(facts.range);
    case OptionKind::kText:
      return "a string";
    case OptionKind::kObject:
      return "an object";
    case OptionKind::kTexts:
      return "a list of strings";
    case OptionKind::kNumbers:
      return "a list of at most " + std::to_string(kMostOptionNumbers) + " numbers" + wanted_range(facts.range);
    case OptionKind::kChoice:
      break;
  }
  std::string names;
  for (const std::string_view name : facts.choices) {
    names.append(names.empty() ? "one of " : ", ").append(name);
  }
  return names;
}

bool is_of_kind(const OptionFacts& facts, const Json& value) {
  if (value.is_null()) {
    return facts.may_be_none;
  }
  switch (facts.kind) {
    case OptionKind::kSwitch:
      return value.is_boolean();
    case OptionKind::kWhole:
      return value.is_number_integer();
    case OptionKind::kNumber:
      return value.is_number();
    case OptionKind::kText:
    case OptionKind::kChoice:
      return value.is_string();
    case OptionKind::kObject:
      return value.is_object() || value.is_string();
    case OptionKind::kTexts:
      return are_all(value, &Json::is_string);
    case OptionKind::kNumbers:
      return are_all(value, &Json::is_number);
  }
  throw InternalError("[is_of_kind] " + std::to_string(static_cast<int>(facts.kind)) + " is no kind of option");
}

bool fits(const OptionFacts& facts, const Json& value) {
  if (!is_of_kind(facts, value) || value.is_null()) {
    return value.is_null() && facts.may_be_none;
  }
  if (value.is_number()) {
    return is_within(facts.range, value);
  }
  if (facts.kind == OptionKind::kNumbers) {
    return value.size() <= kMostOptionNumbers &&
           std::all_of(value.begin(), value.end(), [&](const Json& item) { return is_within(facts.range, item); });
  }
  return facts.kind != OptionKind::kChoice || std::find(facts.choices.begin(), facts.choices.end(),
                                                        value.get_ref<const std::string&>()) != facts.choices.end();
}

void check_option(const OptionFacts& facts, const Json& value) {
  if (!fits(facts, value)) {
    throw InvalidInput("option \"" + std::string(facts.name) + "\" is " + excerpt(value.dump()) + ", expected " +
                       wanted_of(facts) + ".");
  }
  if (facts.check != nullptr && value.is_string()) {
    facts.check(value.get_ref<const std::string&>());
  }
}

OptionKind kind_of(const bool&) { return OptionKind::kSwitch; }
OptionKind kind_of(const int&) { return OptionKind::kWhole; }
OptionKind kind_of(const std::size_t&) { return OptionKind::kWhole; }
OptionKind kind_of(const double&) { return OptionKind::kNumber; }
OptionKind kind_of(const std::string&) { return OptionKind::kText; }
OptionKind kind_of(const std::vector<std::string>&) { return OptionKind::kTexts; }
OptionKind kind_of(const std::vector<double>&) { return OptionKind::kNumbers; }

}  // namespace endorm
