#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace endorm {

// Numbered or lettered responses of a row, such as "response_1" and "response_2": two, or more.
struct LayoutPair {
  std::vector<std::string> names = {};
  std::optional<std::size_t> preferred = {};  // of two, where the row says so in a way that has one meaning
};

// Such responses of a row. The label of two is taken out of the row where it is understood: "A>B", "model_b",
// "response_1", "tie", the index of the better one; HelpSteer's strengths (below 0: the first) where no other label
// stands. Labels that contradict each other, and a number under a name that does not say how it counts, stay.
std::optional<LayoutPair> find_layout_pair(nlohmann::ordered_json& row);

}  // namespace endorm
