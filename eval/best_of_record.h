#pragma once

#include <nlohmann/json_fwd.hpp>

#include "eval/example.h"
#include "score/json_field.h"

namespace endorm {

// An example of best of several as a record that `endorm bench bestof` reads; docs/math.md has the fields.
nlohmann::ordered_json best_of_record(const Example& example);

// The example of such a record. Throws InvalidInput where it is none, naming the field.
Example best_of_example(const JsonField& record);

// What a record holds beside prompt and responses: fills Example's correct, vote, subject, level and drawn, and the
// tokens of its responses, which are there already. Throws InvalidInput where they do not fit the responses.
void read_best_of_labels(const JsonField& record, Example& example);

}  // namespace endorm
