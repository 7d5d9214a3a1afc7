#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "engine/messages.h"

namespace endorm {

// Where images and sounds may come from. A data: URI always may.
struct MediaRules {
  std::optional<std::string> root;                 // the directory that files lie in; none: files are refused
  std::string base = {};                           // where relative paths begin; empty: at the root
  std::size_t most_bytes = std::size_t{64} << 20;  // of a file
};

// Reads the media of messages that were not read yet. Links that lead out of the root are refused. Throws InvalidInput
// naming the source, where it is not allowed, cannot be read, or is no picture and no sound.
void load_media(std::vector<Message>& messages, const MediaRules& rules);

}  // namespace endorm
