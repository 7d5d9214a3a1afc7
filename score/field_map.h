#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "score/record_input.h"

namespace endorm {

inline constexpr const char* kMapHelp =
    "where the fields of a record stand in rows that call them otherwise: prompt=instruction,responses="
    "completions[].response";

// Where the fields of records stand in rows that call them otherwise. A way is names with dots between them; behind a
// name, [] goes through its list and [0] to one of its elements: "completions[].response", "answers[0]".
class FieldMap {
 public:
  // "prompt=instruction,responses=completions[].response"; empty: nothing is mapped. Throws InvalidInput where the text
  // is not of that form, or names a field that no record has.
  static FieldMap parse(const std::string& text);

  bool empty() const { return ways_.empty(); }
  // Whether a way begins at this field of the row.
  bool reads(const std::string& field) const;
  // The list of the row that a field's elements are taken from, "completions"; empty: the map has no such field. Throws
  // InvalidInput where they do not stand in a list of the row itself.
  std::string list_of(const std::string& field) const;

  // Gives the row the fields of a record. A field that is moved loses its old name, and what would stand in the place
  // of a mapped field goes: other forms of a prompt where a prompt is mapped, of responses likewise. Throws
  // InvalidInput, with what there is and what may be meant, where a way leads nowhere.
  void apply(nlohmann::ordered_json& row) const;

 private:
  struct Each {};  // goes on in every element of a list
  using Step = std::variant<std::string, std::size_t, Each>;
  struct Way {
    std::string field;
    std::string text;
    std::vector<Step> steps;
  };
  class Walk;

  static std::vector<Step> steps_of(const std::string& text);

  std::vector<Way> ways_;
};

// The same records, their rows mapped; keys are those of the rows as they came. What cannot be mapped is an error of
// that record.
std::unique_ptr<RecordInput> mapped_records(std::unique_ptr<RecordInput> input, FieldMap map);

}  // namespace endorm
