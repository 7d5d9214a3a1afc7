#include "score/token_reader.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "score/json_check.h"
#include "score/json_fields.h"
#include "score/token_ids.h"

namespace endorm {
namespace {

// The list beside the line that a value stands for; null where it stands for itself.
template <typename Json>
const GivenList* given_of(const Json& value, std::span<const GivenList> lists) {
  const auto place = value.is_object() ? value.find("given") : value.end();
  if (place == value.end() || !place->is_number_unsigned() || place->template get<std::size_t>() >= lists.size()) {
    return nullptr;
  }
  return &lists[place->template get<std::size_t>()];
}

template <typename Json>
std::vector<bool> mask_of(const Json& value, const std::string& field, std::span<const GivenList> lists) {
  const GivenList* given = given_of(value, lists);
  if (given && !given->fault.empty()) {
    throw InvalidInput("\"" + field + "\" " + given->fault);
  }
  std::vector<bool> mask;
  const auto add = [&](std::optional<bool> entry, const std::string& found) {
    if (!entry) {
      throw InvalidInput("\"" + element(field, mask.size()) + "\" is " + found +
                         ", expected 0 (context) or 1 (the model's own).");
    }
    mask.push_back(*entry);
  };
  if (given) {
    for (const Token entry : given->values) {
      add(entry == 0 || entry == 1 ? std::optional(entry == 1) : std::nullopt, std::to_string(entry));
    }
    return mask;
  }
  for (const Json& entry : list_of(value, field, "a list of 0 and 1")) {
    const std::string text = entry.dump();
    const bool own = text == "1" || text == "true";
    add(own || text == "0" || text == "false" ? std::optional(own) : std::nullopt, excerpt(text));
  }
  return mask;
}

}  // namespace

template <typename Json>
Tokens ids_of(const Json& value, const std::string& field, std::span<const GivenList> lists) {
  const GivenList* given = given_of(value, lists);
  if (!given) {
    return read_token_ids(value, field);
  }
  if (!given->fault.empty()) {
    throw InvalidInput("\"" + field + "\" " + given->fault);
  }
  const auto wrong = std::find_if(given->values.begin(), given->values.end(), [](Token id) { return id < 0; });
  if (wrong != given->values.end()) {
    throw InvalidInput("\"" + element(field, static_cast<std::size_t>(wrong - given->values.begin())) + "\" is " +
                       std::to_string(*wrong) + ", which is no token id.");
  }
  return given->values;
}

template <typename Json>
RequestResponse read_tokens(const Json& ids, const std::string& field, const Json* mask, const std::string& mask_field,
                            std::span<const GivenList> lists) {
  RequestResponse response;
  response.ids.emplace();
  try {
    response.ids = ids_of(ids, field, lists);
    if (mask == nullptr || mask->is_null()) {
      return response;
    }
    response.mask = mask_of(*mask, mask_field, lists);
    if (response.mask.size() != response.ids->size()) {
      throw InvalidInput("\"" + mask_field + "\" has " + std::to_string(response.mask.size()) + " entries for " +
                         std::to_string(response.ids->size()) + " token ids. Give one for each.");
    }
  } catch (const InvalidInput& error) {
    response.refused = error.what();
    response.mask.clear();
  }
  return response;
}

template <typename Json>
std::vector<RequestResponse> read_response_ids(const Json& ids, const Json* mask, std::span<const GivenList> lists) {
  std::vector<RequestResponse> responses;
  if (!given_of(ids, lists)) {
    list_of(ids, "response_ids", "a list of token ids, or of such lists");
  }
  if (given_of(ids, lists) || !std::any_of(ids.begin(), ids.end(), [&](const Json& each) {
        return each.is_array() || given_of(each, lists);
      })) {
    responses.push_back(read_tokens(ids, "response_ids", mask, "response_mask", lists));
    return responses;
  }
  if (mask && (!mask->is_array() || mask->size() != ids.size())) {
    throw InvalidInput("\"response_mask\" must be a list of " + std::to_string(ids.size()) +
                       " lists, one for each of \"response_ids\".");
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    responses.push_back(read_tokens(ids[i], element("response_ids", i), mask ? &(*mask)[i] : nullptr,
                                    element("response_mask", i), lists));
  }
  return responses;
}

template Tokens ids_of(const nlohmann::ordered_json&, const std::string&, std::span<const GivenList>);
template RequestResponse read_tokens(const nlohmann::ordered_json&, const std::string&, const nlohmann::ordered_json*,
                                     const std::string&, std::span<const GivenList>);
template std::vector<RequestResponse> read_response_ids(const nlohmann::ordered_json&, const nlohmann::ordered_json*,
                                                        std::span<const GivenList>);

}  // namespace endorm
