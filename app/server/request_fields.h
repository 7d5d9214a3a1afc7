#pragma once

#include <span>
#include <string_view>

#include "app/server/protocol.h"

namespace endorm {

// A field that clients of a protocol send, and that would change what they get.
struct UnsupportedField {
  std::string_view name;
  bool (*changes_nothing)(const Json& value);  // what it may be
  std::string_view instead;                    // what a client can do, a sentence
};

// What a field of clients may be where it is not supported.
bool is_false(const Json& value);
bool is_true(const Json& value);
bool is_zero(const Json& value);  // or 0.0
bool is_one(const Json& value);
bool is_empty(const Json& value);  // a list, an object, a text
bool is_nothing(const Json& value);

// Throws InvalidInput naming a field of `unsupported` that would change the answer, and tells of those that stand
// neither there nor in `read`: nothing reads them. A field that is null counts as absent.
void check_fields(const Json& body, const ProtocolContext& context, std::span<const std::string_view> read,
                  std::span<const UnsupportedField> unsupported);

}  // namespace endorm
