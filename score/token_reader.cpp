#include "score/token_reader.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "score/json_check.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

std::string element(const JsonField& list, std::size_t index) {
  return "\"" + list.name() + "[" + std::to_string(index) + "]\"";
}

// The list beside the line that a value stands for; null where it stands for itself.
const GivenList* given_of(const Json& value, std::span<const GivenList> lists) {
  const auto place = value.is_object() ? value.find("given") : value.end();
  if (place == value.end() || !place->is_number_unsigned() || place->get<std::size_t>() >= lists.size()) {
    return nullptr;
  }
  return &lists[place->get<std::size_t>()];
}

// The same of a field, without what is wrong with the list: that is thrown.
const Tokens* given_values(const JsonField& field, std::span<const GivenList> lists) {
  const GivenList* given = given_of(field.value(), lists);
  if (given != nullptr && !given->fault.empty()) {
    throw InvalidInput("\"" + field.name() + "\" " + given->fault);
  }
  return given != nullptr ? &given->values : nullptr;
}

std::vector<bool> read_mask(const JsonField& field, std::span<const GivenList> lists) {
  std::vector<bool> mask;
  const auto add = [&](bool own, bool context, const std::string& found) {
    if (!own && !context) {
      throw InvalidInput(element(field, mask.size()) + " is " + found +
                         ", expected 0 (context) or 1 (the model's own).");
    }
    mask.push_back(own);
  };
  if (const Tokens* given = given_values(field, lists)) {
    for (const Token entry : *given) {
      add(entry == 1, entry == 0, std::to_string(entry));
    }
    return mask;
  }
  for (const JsonField& entry : field.filled_list("a list of 0 and 1")) {
    const std::string text = entry.value().dump();
    add(text == "1" || text == "true", text == "0" || text == "false", excerpt(text));
  }
  return mask;
}

}  // namespace

Tokens read_token_ids(const JsonField& field, std::span<const GivenList> lists) {
  if (const Tokens* given = given_values(field, lists)) {
    const auto wrong = std::find_if(given->begin(), given->end(), [](Token id) { return id < 0; });
    if (wrong != given->end()) {
      throw InvalidInput(element(field, static_cast<std::size_t>(wrong - given->begin())) + " is " +
                         std::to_string(*wrong) + ", which is no token id.");
    }
    return *given;
  }
  const Json& list = field.value();
  if (!list.is_array() || list.empty()) {
    throw InvalidInput("\"" + field.name() + "\" is " +
                       (list.is_array() ? std::string("an empty list") : std::string("a JSON ") + list.type_name()) +
                       ", expected a list of token ids.");
  }
  Tokens ids;
  ids.reserve(list.size());
  for (const Json& entry : list) {
    if (!entry.is_number_integer()) {
      throw InvalidInput(element(field, ids.size()) + " is a JSON " + entry.type_name() + ", expected a token id.");
    }
    const auto id = entry.get<std::int64_t>();
    if (id < 0 || id > std::numeric_limits<Token>::max()) {
      throw InvalidInput(element(field, ids.size()) + " is " + entry.dump() + ", which is no token id.");
    }
    ids.push_back(static_cast<Token>(id));
  }
  return ids;
}

RequestResponse read_tokens(const JsonField& ids, const std::optional<JsonField>& mask,
                            std::span<const GivenList> lists) {
  RequestResponse response;
  response.ids.emplace();
  try {
    response.ids = read_token_ids(ids, lists);
    if (!mask || mask->value().is_null()) {
      return response;
    }
    response.mask = read_mask(*mask, lists);
    if (response.mask.size() != response.ids->size()) {
      throw InvalidInput("\"" + mask->name() + "\" has " + std::to_string(response.mask.size()) + " entries for " +
                         std::to_string(response.ids->size()) + " token ids. Give one for each.");
    }
  } catch (const InvalidInput& error) {
    response.refused = error.what();
    response.mask.clear();
  }
  return response;
}

std::vector<RequestResponse> read_response_ids(const JsonField& ids, const std::optional<JsonField>& mask,
                                               std::span<const GivenList> lists) {
  const auto is_list = [&](const Json& each) { return each.is_array() || given_of(each, lists) != nullptr; };
  const Json& value = ids.value();
  if (given_of(value, lists) != nullptr ||
      (value.is_array() && !value.empty() && std::none_of(value.begin(), value.end(), is_list))) {
    return {read_tokens(ids, mask, lists)};
  }
  std::vector<RequestResponse> responses;
  const std::vector<JsonField> each = ids.filled_list("a list of token ids, or of such lists");
  if (mask && (!mask->is_list() || mask->value().size() != each.size())) {
    throw InvalidInput("\"response_mask\" must be a list of " + std::to_string(each.size()) +
                       " lists, one for each of \"response_ids\".");
  }
  const std::vector<JsonField> masks = mask ? mask->list() : std::vector<JsonField>{};
  for (std::size_t i = 0; i < each.size(); ++i) {
    responses.push_back(read_tokens(each[i], mask ? std::optional(masks[i]) : std::nullopt, lists));
  }
  return responses;
}

}  // namespace endorm
