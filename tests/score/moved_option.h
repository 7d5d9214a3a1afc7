#pragma once

#include <algorithm>
#include <string>

#include <nlohmann/json.hpp>

#include "score/option.h"

namespace endorm {

// Another value than `now` that an option may have.
inline nlohmann::ordered_json moved_value(const OptionFacts& facts, const nlohmann::ordered_json& now) {
  switch (facts.kind) {
    case OptionKind::kSwitch:
      return !now.get<bool>();
    case OptionKind::kWhole:
      return now.is_null() ? nlohmann::ordered_json(7) : nlohmann::ordered_json(now.get<int>() + 1);
    case OptionKind::kNumber:
      return 0.5 * now.get<double>() + 0.125;
    case OptionKind::kText:
      return facts.check != nullptr ? "2025-06-23" : "another text";
    case OptionKind::kChoice:
      return std::string(facts.choices[0] == now ? facts.choices[1] : facts.choices[0]);
    case OptionKind::kObject:
      return {{"enable_thinking", false}};
    case OptionKind::kTexts:
      return {"one", "two"};
    case OptionKind::kNumbers:
      return {0.5, 2.0};
  }
  return nullptr;
}

}  // namespace endorm
