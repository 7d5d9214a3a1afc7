#include "score/layout_pair.h"

#include <string_view>

#include <nlohmann/json.hpp>

#include "core/ascii_lower.h"
#include "core/spelled_number.h"
#include "core/trimmed.h"
#include "score/layout_turns.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

enum class Side { kFirst, kSecond, kNeither };

struct Suffixes {
  const char* first;
  const char* second;
};

constexpr const char* kStems[] = {"response", "answer", "output", "completion", "conversation", "human_ref"};
constexpr Suffixes kSuffixes[] = {{"_1", "_2"}, {"_A", "_B"}, {"_a", "_b"}, {"_0", "_1"}, {"1", "2"}, {"A", "B"}};

bool is_response(const Json& row, const std::string& name) {
  const auto field = row.find(name);
  return field != row.end() && (field->is_string() || is_turns(*field));
}

// "a", "model_a", "response_a", "response a"
bool names_side(std::string_view label, std::string_view suffix) {
  return label == suffix ||
         (label.ends_with(suffix) && label.size() > suffix.size() &&
          (label[label.size() - suffix.size() - 1] == '_' || label[label.size() - suffix.size() - 1] == ' '));
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
  if (field == "preference_strength" || field == "overall_preference") {
    return value < 0 ? Side::kFirst : value > 0 ? Side::kSecond : Side::kNeither;
  }
  if (stem == "human_ref") {  // 1: the first has more of the votes
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

// Of the label of a row, which is taken out where it is understood.
std::optional<Side> take_side(Json& row, std::string_view stem, const Suffixes& suffixes) {
  const auto bare = [](const char* suffix) {
    return ascii_lower(std::string_view(suffix[0] == '_' ? suffix + 1 : suffix));
  };
  const std::string first = bare(suffixes.first);
  const std::string second = bare(suffixes.second);
  for (const char* name : {"preference_strength", "overall_preference", "better_response_id", "winner", "preference",
                           "preferred", "label", "labels", "choice"}) {
    const auto field = row.find(name);
    if (field == row.end()) {
      continue;
    }
    std::optional<Side> side;
    if (const std::optional<double> number = number_of(*field)) {
      side = side_of_number(*number, name, stem, first, second);
    } else if (field->is_string()) {
      side = side_of_text(field->get_ref<const std::string&>(), first, second);
    }
    if (side) {
      row.erase(name);
      return side;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<LayoutPair> find_layout_pair(Json& row) {
  for (const char* stem : kStems) {
    for (const Suffixes& suffixes : kSuffixes) {
      LayoutPair pair{{stem + std::string(suffixes.first), stem + std::string(suffixes.second)}, std::nullopt};
      if (!is_response(row, pair.names[0]) || !is_response(row, pair.names[1])) {
        continue;
      }
      if (const std::optional<Side> side = take_side(row, stem, suffixes); side && *side != Side::kNeither) {
        pair.preferred = *side == Side::kFirst ? 0 : 1;
      }
      return pair;
    }
  }
  return std::nullopt;
}

}  // namespace endorm
