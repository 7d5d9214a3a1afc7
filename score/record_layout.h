#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace endorm {

// Where a field of a record was found in the row: {"response", "completion"}.
struct RenamedField {
  std::string field;
  std::string found;
};

// Brings a row of a data set as others publish them into the form of a record (docs/records.md, "Layouts of others"):
// what means the same gets the record's name, turns {"from", "value"} become messages, of two numbered responses the
// preferred one becomes "chosen" where the row says which it is, a transcript "Human: ... Assistant: ..." is cut into
// messages. A field that a record has comes before one that would be read in its place; what is neither prompt nor
// response nor the label of a pair stays as it is. Returns what was renamed: nothing for a row that is a record
// already. Throws InvalidInput where turns are none.
std::vector<RenamedField> read_layout(nlohmann::ordered_json& row);

}  // namespace endorm
