#include "score/layout_pair.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/ascii_lower.h"
#include "core/spelled_number.h"
#include "core/trimmed.h"
#include "score/layout_turns.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

enum class Side { kFirst, kSecond, kNeither };

// How responses are numbered: "_1", "A", ...
struct Style {
  bool underscore;
  char begins;

  std::string suffix(std::size_t place) const { return std::string(1, static_cast<char>(begins + place)); }
  std::string name(const char* stem, std::size_t place) const {
    return stem + std::string(underscore ? "_" : "") + suffix(place);
  }
};

constexpr const char* kStems[] = {"response", "answer", "output", "completion", "conversation", "human_ref"};
constexpr Style kStyles[] = {{true, '0'}, {true, '1'}, {true, 'A'}, {true, 'a'}, {false, '1'}, {false, 'A'}};
constexpr std::string_view kNamed[] = {"model",  "response",   "answer",       "output",
                                       "option", "completion", "conversation", "assistant"};

bool is_response(const Json& row, const std::string& name) {
  const auto field = row.find(name);
  return field != row.end() && (field->is_string() || is_turns(*field));
}

// "a", "model_a", "response a", "response-a", "responsea"
bool names_side(std::string_view label, std::string_view suffix) {
  if (label == suffix) {
    return true;
  }
  return std::any_of(std::begin(kNamed), std::end(kNamed), [&](std::string_view named) {
    if (!label.starts_with(named)) {
      return false;
    }
    const std::string_view rest = label.substr(named.size());
    return rest == suffix || (rest.size() == 1 + suffix.size() && rest.ends_with(suffix) &&
                              std::string_view("_ -").find(rest.front()) != std::string_view::npos);
  });
}

std::optional<Side> side_of_text(std::string_view text, const std::string& first, const std::string& second) {
  const std::string label = ascii_lower(trimmed(text));
  if (label.starts_with("tie") || label == "both" || label == "neither" || label == "equal") {
    return Side::kNeither;
  }
  const std::size_t sign = label.find_first_of("<>=");
  if (sign != std::string::npos) {
    const std::size_t behind = label.find_first_not_of("<>=", sign);
    if (behind == std::string::npos) {
      return std::nullopt;
    }
    const std::string_view before = trimmed(std::string_view(label).substr(0, sign));
    const std::string_view after = trimmed(std::string_view(label).substr(behind));
    const bool in_order = names_side(before, first) && names_side(after, second);
    if (!in_order && !(names_side(before, second) && names_side(after, first))) {
      return std::nullopt;
    }
    return label[sign] == '=' ? Side::kNeither : (label[sign] == '>') == in_order ? Side::kFirst : Side::kSecond;
  }
  return names_side(label, first)    ? std::optional(Side::kFirst)
         : names_side(label, second) ? std::optional(Side::kSecond)
                                     : std::nullopt;
}

std::optional<Side> side_of_number(double value, std::string_view field, std::string_view stem,
                                   const std::string& first, const std::string& second) {
  if (stem == "human_ref" && field == "labels") {  // 1: the first has more of the votes
    return value == 1 ? std::optional(Side::kFirst) : value == 0 ? std::optional(Side::kSecond) : std::nullopt;
  }
  return field != "better_response_id"             ? std::nullopt
         : spelled_number<double>(first) == value  ? std::optional(Side::kFirst)
         : spelled_number<double>(second) == value ? std::optional(Side::kSecond)
                                                   : std::nullopt;
}

// Of a number, or of a text that spells one: tables hold texts.
std::optional<double> number_of(const Json& value) {
  return value.is_number()   ? std::optional(value.get<double>())
         : value.is_string() ? spelled_number<double>(trimmed(value.get_ref<const std::string&>()))
                             : std::nullopt;
}

std::optional<Side> side_of(const Json& value, std::string_view field, std::string_view stem, const std::string& first,
                            const std::string& second) {
  if (const std::optional<double> number = number_of(value)) {
    return side_of_number(*number, field, stem, first, second);
  }
  return value.is_string() ? side_of_text(value.get_ref<const std::string&>(), first, second) : std::nullopt;
}

// HelpSteer's strength of preference, from -3 to 3: below 0 the first is better.
std::optional<Side> side_of_strength(const Json& value) {
  constexpr double kStrongest = 3;
  const std::optional<double> strength = number_of(value);
  return !strength || std::abs(*strength) > kStrongest ? std::nullopt
         : *strength < 0                               ? std::optional(Side::kFirst)
         : *strength > 0                               ? std::optional(Side::kSecond)
                                                       : std::optional(Side::kNeither);
}

// Of the labels of a row, which are taken out where they are understood: those that name a response, else a strength.
// None where two contradict each other.
std::optional<Side> take_side(Json& row, std::string_view stem, const Style& style) {
  const auto bare = [&](std::size_t place) { return ascii_lower(style.suffix(place)); };
  std::optional<Side> side;
  std::vector<const char*> read;
  for (const char* name : {"winner", "preference", "preferred", "label", "labels", "choice", "better_response_id"}) {
    const auto field = row.find(name);
    if (field == row.end()) {
      continue;
    }
    if (const std::optional<Side> named = side_of(*field, name, stem, bare(0), bare(1))) {
      if (side && *side != *named) {
        return std::nullopt;
      }
      side = named;
      read.push_back(name);
    }
  }
  const char* const strength = style.underscore ? "preference_strength" : "overall_preference";
  if (!side && style.begins == '1' && row.contains(strength)) {
    side = side_of_strength(row.at(strength));
    read.push_back(strength);
  }
  if (side) {
    for (const char* name : read) {
      row.erase(name);
    }
  }
  return side;
}

}  // namespace

std::optional<LayoutPair> find_layout_pair(Json& row) {
  for (const char* stem : kStems) {
    for (const Style& style : kStyles) {
      LayoutPair found;
      for (std::string name = style.name(stem, 0); is_response(row, name);
           name = style.name(stem, found.names.size())) {
        found.names.push_back(std::move(name));
      }
      if (found.names.size() < 2) {
        continue;
      }
      if (found.names.size() == 2) {
        if (const std::optional<Side> side = take_side(row, stem, style); side && *side != Side::kNeither) {
          found.preferred = *side == Side::kFirst ? 0 : 1;
        }
      }
      return found;
    }
  }
  return std::nullopt;
}

}  // namespace endorm
