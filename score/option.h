#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace endorm {

// An option is said once, as a row of the table that stands beside the struct it fills. Flags, "options" of a request,
// keyword arguments, schemas, manifests, fingerprints and equality are read from that row.

enum class OptionKind { kSwitch, kWhole, kNumber, kText, kChoice, kObject, kTexts, kNumbers };

enum class OptionEffect {
  kNumber,  // another value may give another number: part of manifest and fingerprint
  kRow,     // it changes what a row shows: part of the manifest
  kSpeed,   // neither
};

// Where an option stands in a manifest.
enum class ManifestPart {
  kOptions,    // "options": how rewards are read
  kComputing,  // "options", behind the context: how they are computed
  kRows,       // "options", at the end: what a row shows
  kTemplate,   // "template": how a response is read behind a prompt
  kPrompt,     // "template": how a prompt is written
  kReading,    // "reading": which rows of a benchmark, and how
  kFigures,    // "figures": what is computed from verdicts
  kNone,
};

struct OptionRange {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  bool open = false;  // least itself is outside
};

// A row, but for the field.
struct OptionFacts {
  std::string_view name = {};  // in JSON, requests, Python and manifests: "step_separator"
  std::string_view help = {};  // of a switch: what it does where it is on
  std::string_view group = {};
  std::string_view flag = {};  // where it is not "--step-separator", or of a switch that is on "--no-step-separator"
  OptionRange range = {};      // of a number, and of each of a list
  bool in_run = true;          // flags and keyword arguments
  bool in_request = true;      // "options" of POST /v1/rewards
  OptionEffect effect = OptionEffect::kNumber;
  ManifestPart part = ManifestPart::kOptions;
  std::string_view manifest_name = {};  // where it is not name
  // Result files tell it even at its default, as they did when they were first written. All others are told where they
  // are not at their default, so that a new option leaves the files of earlier versions as they are.
  bool always_told = false;
  void (*check)(const std::string& text) = nullptr;  // of a text, beyond its kind: throws InvalidInput

  // Of the field; set with it.
  OptionKind kind = OptionKind::kSwitch;
  bool may_be_none = false;
  std::vector<std::string_view> choices = {};

  std::string_view told_as() const { return manifest_name.empty() ? name : manifest_name; }
};

inline constexpr std::size_t kMostOptionNumbers = 16;  // of an option that is a list of numbers

// "a number from 0 to 1": what a value of the option is.
std::string wanted_of(const OptionFacts& facts);
// Is it of the option's kind, whatever its range? null is where it may be none.
bool is_of_kind(const OptionFacts& facts, const nlohmann::ordered_json& value);
// And within it?
bool fits(const OptionFacts& facts, const nlohmann::ordered_json& value);
// Throws InvalidInput naming the option, the value and what is wanted, unless it fits.
void check_option(const OptionFacts& facts, const nlohmann::ordered_json& value);

template <typename Options>
struct Option : OptionFacts {
  std::function<nlohmann::ordered_json(const Options&)> get;
  std::function<void(Options&, const nlohmann::ordered_json&)> set;  // throws as check_option does
};

// The row called `name`; nullptr where there is none.
template <typename Options>
const Option<Options>* find_option(std::span<const Option<Options>> table, std::string_view name) {
  for (const Option<Options>& option : table) {
    if (option.name == name) {
      return &option;
    }
  }
  return nullptr;
}

// Below: rows are made of a field and facts, by files that include nlohmann/json.hpp.

// The field at the end of a way of members: at(&Outer::inner, &Inner::number).
template <typename... Members>
auto at(Members... members) {
  return [=](auto& options) -> auto& { return (options.*....*members); };
}

// What fields may be: their kind, their value as JSON, and a value of their kind from JSON. An empty optional is null.
OptionKind kind_of(const bool& field);
OptionKind kind_of(const int& field);
OptionKind kind_of(const std::size_t& field);
OptionKind kind_of(const double& field);
OptionKind kind_of(const std::string& field);
OptionKind kind_of(const std::vector<std::string>& field);
OptionKind kind_of(const std::vector<double>& field);
template <typename Field>
OptionKind kind_of(const std::optional<Field>&) {
  return kind_of(Field{});
}
template <typename Field, typename Json = nlohmann::ordered_json>
Json option_json(const Field& field) {
  return field;
}
template <typename Field, typename Json = nlohmann::ordered_json>
Json option_json(const std::optional<Field>& field) {
  return field ? Json(*field) : Json(nullptr);
}
template <typename Field, typename Json>
void read_option(const Json& value, Field& field) {
  value.get_to(field);
}
template <typename Field, typename Json>
void read_option(const Json& value, std::optional<Field>& field) {
  if (value.is_null()) {
    field.reset();
  } else {
    read_option(value, field.emplace());
  }
}

template <typename Options, typename At>
Option<Options> option(At field, OptionFacts facts) {
  using Field = std::remove_cvref_t<decltype(field(std::declval<Options&>()))>;
  facts.kind = kind_of(Field{});
  facts.may_be_none = requires(Field value) { value.has_value(); };
  if constexpr (std::is_same_v<Field, std::size_t> || std::is_same_v<Field, std::optional<std::size_t>>) {
    facts.range.least = std::max(facts.range.least, 0.0);
  }
  return {facts, [field](const Options& options) { return option_json(field(options)); },
          [field, facts](Options& options, const nlohmann::ordered_json& value) {
            check_option(facts, value);
            read_option(value, field(options));
          }};
}

template <typename Value>
using NamedValues = std::span<const std::pair<std::string_view, Value>>;

template <typename Value>
std::string name_of(NamedValues<Value> names, const Value& value) {
  const auto found = std::find_if(names.begin(), names.end(), [&](const auto& each) { return each.second == value; });
  return std::string(found == names.end() ? "" : found->first);
}

// One of several, by name. names: must outlive the table.
template <typename Options, typename At, typename Value>
Option<Options> choice(At field, NamedValues<Value> names, OptionFacts facts) {
  facts.kind = OptionKind::kChoice;
  for (const auto& [name, value] : names) {
    facts.choices.push_back(name);
  }
  return {facts, [field, names](const Options& options) { return option_json(name_of<Value>(names, field(options))); },
          [field, names, facts](Options& options, const nlohmann::ordered_json& given) {
            check_option(facts, given);
            for (const auto& [name, value] : names) {
              if (given == name) {
                field(options) = value;
              }
            }
          }};
}

// Rows that are alike in group, effect, part and always_told; a row's own facts are all others.
template <typename Options>
struct OptionRows {
  OptionFacts alike;

  // field: a member of the options, or what at() gives.
  Option<Options> operator()(auto field, std::string_view name, std::string_view help, OptionFacts own = {}) const {
    return option<Options>(field_of(field), facts_of(name, help, std::move(own)));
  }
  template <typename Value, std::size_t kCount>
  Option<Options> operator()(auto field, const std::array<std::pair<std::string_view, Value>, kCount>& names,
                             std::string_view name, std::string_view help, OptionFacts own = {}) const {
    return choice<Options>(field_of(field), NamedValues<Value>(names), facts_of(name, help, std::move(own)));
  }

 private:
  static auto field_of(auto field) {
    if constexpr (std::is_member_object_pointer_v<decltype(field)>) {
      return at(field);
    } else {
      return field;
    }
  }
  OptionFacts facts_of(std::string_view name, std::string_view help, OptionFacts own) const {
    own.name = name;
    own.help = help;
    own.group = alike.group;
    own.effect = alike.effect;
    own.part = alike.part;
    own.always_told = alike.always_told;
    return own;
  }
};

}  // namespace endorm
