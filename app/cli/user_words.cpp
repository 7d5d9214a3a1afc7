#include "app/cli/user_words.h"

#include <algorithm>
#include <cctype>

namespace endorm {
namespace {

// Bytes of "[Name::of_something] " at the beginning of a text; 0 where no name of the code stands there.
std::size_t name_size(std::string_view text, std::span<const std::string> commands) {
  const std::size_t end = text.find("] ");
  if (!text.starts_with('[') || end == std::string_view::npos || end < 2) {
    return 0;
  }
  const std::string_view name = text.substr(1, end - 1);
  const bool is_name = std::all_of(name.begin(), name.end(), [](unsigned char byte) {
    return std::isalnum(byte) != 0 || byte == '_' || byte == ':';
  });
  return is_name && std::find(commands.begin(), commands.end(), name) == commands.end() ? end + 2 : 0;
}

}  // namespace

std::string user_words(std::string_view message, std::span<const std::string> commands) {
  std::string told;
  while (!message.empty()) {
    message.remove_prefix(name_size(message, commands));
    const std::size_t quoted = std::min(message.find(": ["), message.find("] ["));  // what one says of another's words
    const std::size_t end = quoted == std::string_view::npos ? message.size() : quoted + 2;
    told += message.substr(0, end);
    message.remove_prefix(end);
  }
  return told;
}

}  // namespace endorm
