#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "core/errors.h"
#include "engine/token_tree.h"

namespace endorm {

// Token ids [T] of a JSON list, which is called `field`. Throws InvalidInput naming it on anything but a list that is
// not empty, and on the first entry that is no id of any vocabulary. Json: nlohmann's, which no header here includes.
template <typename Json>
Tokens read_token_ids(const Json& list, const std::string& field) {
  if (!list.is_array() || list.empty()) {
    throw InvalidInput("\"" + field + "\" is " +
                       (list.is_array() ? std::string("an empty list") : std::string("a JSON ") + list.type_name()) +
                       ", expected a list of token ids.");
  }
  Tokens ids;
  ids.reserve(list.size());
  for (const auto& entry : list) {
    const std::string place = field + "[" + std::to_string(ids.size()) + "]";
    if (!entry.is_number_integer()) {
      throw InvalidInput("\"" + place + "\" is a JSON " + entry.type_name() + ", expected a token id.");
    }
    const auto id = entry.template get<std::int64_t>();
    if (id < 0 || id > std::numeric_limits<Token>::max()) {
      throw InvalidInput("\"" + place + "\" is " + entry.dump() + ", which is no token id.");
    }
    ids.push_back(static_cast<Token>(id));
  }
  return ids;
}

}  // namespace endorm
