#pragma once

#include <string_view>

namespace endorm {

// Writes all bytes to a descriptor, through interruptions and partial writes. False where it cannot; errno says why.
bool write_all(int descriptor, std::string_view bytes);

}  // namespace endorm
