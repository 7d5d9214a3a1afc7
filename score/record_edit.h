#pragma once

#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace endorm {

// The text of a JSON value on one line: a break outside of quotes is white space, and within them it is written as \n.
std::string on_one_line(std::string_view text);

// The text of a record, a JSON object, with more fields behind its own; not a byte of its own changes. Throws
// InvalidInput, naming the field, where it has one of them already.
std::string with_fields(std::string_view record, const nlohmann::ordered_json& fields);

// What a record is not with fewer responses: its other lists of as many elements, which may be one a response, are left
// whole, and whole numbers beyond 64 bits become doubles.
struct CutNotes {
  std::set<std::string> lists_left;
  std::size_t with_large_numbers = 0;  // records
};

// With these of its responses alone, and what a record says of each of them beside. notes: gain what holds of this
// record, too. given: the field in which they
// stand, where neither a record nor a layout of others has its name; empty: one of those. Throws InvalidInput where its
// responses are no list.
std::string with_responses(std::string_view record, std::span<const std::size_t> kept, CutNotes& notes,
                           const std::string& given = {});

}  // namespace endorm
