#pragma once

#include <cstddef>

#include "engine/messages.h"

namespace endorm {

// The texts and media of a message's content, in order: on_text(std::string), of none that is empty, and
// on_medium(const PlacedMedium&).
template <typename OnText, typename OnMedium>
void each_piece(const Message& message, const OnText& on_text, const OnMedium& on_medium) {
  std::size_t begin = 0;
  const auto text_up_to = [&](std::size_t end) {
    if (begin < end) {
      on_text(message.content.substr(begin, end - begin));
    }
    begin = end;
  };
  for (const PlacedMedium& placed : message.media) {
    text_up_to(placed.offset);
    on_medium(placed);
  }
  text_up_to(message.content.size());
}

}  // namespace endorm
