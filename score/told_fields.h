#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <ranges>
#include <string>
#include <type_traits>
#include <utility>

#include "score/json_field.h"

namespace endorm {

// A struct that is written as a JSON object and read from one says its fields once, in their order:
//   void tell(auto& fields, MaybeConst<Pair> auto& pair) {
//     fields.always("id", pair.id);
//     fields.unless_empty("cell", pair.cell);
//   }
// fields is a FieldWriter, with which nlohmann's library makes JSON of the struct, or a FieldReader, with which
// read_into fills it. What is no struct has overloads of to_json and read_into.

template <typename T, typename Struct>
concept MaybeConst = std::same_as<std::remove_const_t<T>, Struct>;

template <typename T>
concept Optional = requires(const T& value) {
  value.has_value();
};

// Json: nlohmann's, which no header here includes.
template <typename Json>
class FieldWriter {
 public:
  explicit FieldWriter(Json& object) : object_(object) { object_ = Json::object(); }

  void always(const char* name, const auto& value) { object_[name] = value; }  // without a value: null
  // Not where there is no value, no entry, 0 or false.
  template <typename T>
  void unless_empty(const char* name, const T& value) {
    bool empty = false;
    if constexpr (Optional<T>) {
      empty = !value;
    } else if constexpr (std::ranges::range<T>) {
      empty = value.empty();
    } else {
      empty = value == T{};
    }
    if (!empty) {
      always(name, value);
    }
  }
  // The value or, where there is none, what is said in its place.
  void either(const char* name, const auto& value, const char* other_name, const auto& other) {
    value ? always(name, value) : always(other_name, other);
  }

 private:
  Json& object_;
};

template <typename Json, typename T>
requires requires(FieldWriter<Json>& fields, const T& value) { tell(fields, value); }
void to_json(Json& object, const T& value) {
  FieldWriter<Json> fields(object);
  tell(fields, value);
}

// Throws InvalidInput, naming the field, where it holds something else.
template <typename T>
void read_into(const JsonField& field, T& value);

class FieldReader {
 public:
  explicit FieldReader(const JsonField& record) : record_(record) {}

  // Throws InvalidInput where the field is absent.
  template <typename T>
  void always(const char* name, T& value) {
    if (!Optional<T> || !record_.has_null(name)) {
      read_into(record_.at(name), value);
    }
  }
  void unless_empty(const char* name, auto& value) {
    if (const std::optional<JsonField> found = record_.find(name)) {
      read_into(*found, value);
    }
  }
  void either(const char* name, auto& value, const char* other_name, auto& other) {
    record_.has(name) ? always(name, value) : always(other_name, other);
  }

 private:
  const JsonField& record_;
};

template <typename T>
void read_into(const JsonField& field, T& value) {
  if constexpr (std::same_as<T, bool>) {
    value = field.truth();
  } else if constexpr (std::same_as<T, std::size_t>) {
    value = field.count();
  } else if constexpr (std::same_as<T, double>) {
    value = field.number();
  } else if constexpr (std::same_as<T, std::string>) {
    value = field.text();
  } else if constexpr (Optional<T>) {
    if (!field.is_null()) {
      read_into(field, value.emplace());
    }
  } else if constexpr (std::ranges::range<T>) {
    for (const JsonField& entry : field.list()) {
      typename T::value_type own{};
      read_into(entry, own);
      value.push_back(std::move(own));
    }
  } else {
    FieldReader fields(field);
    tell(fields, value);
  }
}

}  // namespace endorm
