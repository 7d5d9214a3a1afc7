#include "app/server/request_fields.h"

#include <algorithm>
#include <array>

#include "core/errors.h"
#include "core/utf8.h"

namespace endorm {
namespace {

// Of every protocol: whom a request is from, and how it is treated, not what it asks.
constexpr std::array<std::string_view, 4> kOfAll = {"model", "user", "request_id", "priority"};

bool holds(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool is_false(const Json& value) { return value == Json(false); }
bool is_true(const Json& value) { return value == Json(true); }
bool is_zero(const Json& value) { return value.is_number() && value == 0; }
bool is_one(const Json& value) { return value.is_number() && value == 1; }
bool is_empty(const Json& value) {
  return value.is_string() ? value.get_ref<const std::string&>().empty() : value.is_structured() && value.empty();
}
bool is_nothing(const Json&) { return false; }

void check_fields(const Json& body, const ProtocolContext& context, std::span<const std::string_view> read,
                  std::span<const UnsupportedField> unsupported) {
  for (const auto& [name, value] : body.items()) {
    if (value.is_null() || holds(read, name) || holds(kOfAll, name)) {
      continue;
    }
    const auto found = std::find_if(unsupported.begin(), unsupported.end(),
                                    [&, &field = name](const UnsupportedField& each) { return each.name == field; });
    if (found == unsupported.end()) {
      context.unread(name);
    } else if (!found->changes_nothing(value)) {
      throw InvalidInput("\"" + name + "\" is " + excerpt(value.dump(-1, ' ', false, Json::error_handler_t::replace)) +
                         ", which is not supported: it would change the answer. " + std::string(found->instead));
    }
  }
}

}  // namespace endorm
