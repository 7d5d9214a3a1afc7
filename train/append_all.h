#pragma once

#include <string>
#include <string_view>

namespace endorm {

// Writes all bytes at the end of what a descriptor holds; path names it in messages. Throws EngineError where the disk
// is full or fails.
void append_all(int descriptor, std::string_view bytes, const std::string& path);

}  // namespace endorm
