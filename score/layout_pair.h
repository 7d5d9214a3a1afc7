#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace endorm {

// Two numbered or lettered responses of a row, such as "response_1" and "response_2".
struct LayoutPair {
  std::array<std::string, 2> names;
  std::optional<std::size_t> preferred;  // 0 or 1, where the row says so in a way that has one meaning
};

// Such a pair of a row, without its label, which is taken out of the row where it is understood: "A>B", "model_b",
// "response_1", "tie", a strength of preference (below 0: the first), the index of the better one. A number under a
// name that does not say how it counts could mean either: it stays in the row.
std::optional<LayoutPair> find_layout_pair(nlohmann::ordered_json& row);

}  // namespace endorm
