#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/errors.h"

namespace endorm {

// What a record's fields hold. `field` is what error messages call the value; these throw InvalidInput where it is of
// another type. Json: nlohmann's, which no header here includes.

inline std::string element(const std::string& field, std::size_t index) {
  return field + "[" + std::to_string(index) + "]";
}

template <typename Json>
[[noreturn]] void wrong_type(const std::string& field, const Json& found, std::string_view wanted) {
  throw InvalidInput("\"" + field + "\" is a JSON " + found.type_name() + ", expected " + std::string(wanted) + ".");
}

template <typename Json>
const std::string& string_of(const Json& value, const std::string& field) {
  if (!value.is_string()) {
    wrong_type(field, value, "a string");
  }
  return value.template get_ref<const std::string&>();
}

template <typename Json>
bool bool_of(const Json& value, const std::string& field) {
  if (!value.is_boolean()) {
    wrong_type(field, value, "true or false");
  }
  return value.template get<bool>();
}

// The value, if it is a list that is not empty.
template <typename Json>
const Json& list_of(const Json& value, const std::string& field, std::string_view wanted) {
  if (!value.is_array()) {
    wrong_type(field, value, wanted);
  }
  if (value.empty()) {
    throw InvalidInput("\"" + field + "\" is an empty list, expected " + std::string(wanted) + ".");
  }
  return value;
}

// Throws InvalidInput where a value is no list of objects.
template <typename Json>
void check_objects(const Json& list, const std::string& field) {
  if (!list.is_array()) {
    wrong_type(field, list, "a list");
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_object()) {
      wrong_type(field + "[" + std::to_string(i) + "]", list[i], "an object");
    }
  }
}

inline constexpr std::size_t kMostUnknownFields = 64;  // enough to warn with; bounds the work on a hostile line

// Appends the fields of an object that are not known, once each.
template <typename Json>
void report_unknown(const Json& object, std::span<const std::string_view> known, const std::string& prefix,
                    std::vector<std::string>& unknown_fields) {
  for (const auto& [name, value] : object.items()) {
    const std::string field = prefix + name;
    if (std::find(known.begin(), known.end(), name) == known.end() && unknown_fields.size() < kMostUnknownFields &&
        std::find(unknown_fields.begin(), unknown_fields.end(), field) == unknown_fields.end()) {
      unknown_fields.push_back(field);
    }
  }
}

}  // namespace endorm
