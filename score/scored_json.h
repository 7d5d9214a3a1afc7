#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "score/record.h"
#include "score/score_options.h"
#include "score/scored.h"

namespace endorm {

// "as_drawn", "continued", "closed_by_template", "raw", "tokens".
std::string_view context_name(ResponseContext context);

// Which of the turns a token of the response is of.
std::size_t turn_of(std::span<const TurnReward> turns, std::size_t token);

// One scored record: {"id", "chosen"?, "messages"?, .., "responses"}; fields that a judge does not give are absent.
// Throws InvalidInput where a token of a response has probability 0 (its log_prob is -infinity: the model masks it),
// and InternalError where another number is not finite or the token arrays differ in length.
nlohmann::ordered_json scored_record(const Request& request, const Scored& scored, const RowOptions& options);
// The same as a line of a result file, with its "line", "key" and, of a record that has any, "columns". Doubles are
// printed so that they read back as the same number.
std::string scored_row(const Request& request, const Scored& scored, const RowOptions& options);

// A record that could not be read: {"id"?, "line", "key", "error"}. id is absent where that could not be read either.
std::string error_row(const std::optional<std::string>& id, std::size_t line, std::string_view key,
                      const std::string& message);

}  // namespace endorm
