#pragma once

#include <functional>
#include <string>

namespace endorm {

// "a, b, c": some texts, or what `text` reads of each of some things.
template <typename Things, typename Text = std::identity>
std::string listed(Things&& things, Text text = {}) {
  std::string list;
  for (const auto& thing : things) {
    list += list.empty() ? "" : ", ";
    list += std::invoke(text, thing);
  }
  return list;
}

}  // namespace endorm
