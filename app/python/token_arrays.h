#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/reward.h"
#include "engine/token_tree.h"
#include "score/record.h"

namespace nanobind {
class handle;
class object;
}  // namespace nanobind

namespace endorm {

// The tokens of one response [T], shared with whatever arrays look at them.
using SharedTokens = std::shared_ptr<const std::vector<TokenReward>>;

// One quantity of each token as a read-only NumPy array float64 [T] over the memory of the tokens, which it keeps
// alive. The second gives None where a token lacks the quantity.
nanobind::object token_array(const SharedTokens& tokens, double TokenReward::*quantity);
nanobind::object token_array(const SharedTokens& tokens, std::optional<double> TokenReward::*quantity);

// Token ids as a read-only NumPy array int32 [T] over their memory.
nanobind::object id_array(const std::shared_ptr<const Tokens>& ids);

// A NumPy array of integers or truth values, of any width and any stride, read where it lies. Values that are no int32
// are a fault of the list. Throws InvalidInput on another kind of array.
GivenList given_list(nanobind::handle array);

// Numbers as a NumPy array float64 [n] that owns them.
nanobind::object number_array(std::vector<double> numbers);

}  // namespace endorm
