#pragma once

#include <array>
#include <string>

namespace endorm {

// How byte-level vocabularies (GPT-2 and what follows it) spell each byte as one printable character, in UTF-8: the
// printable characters of Latin-1 stand for their own code, the other 68 bytes, in order, for U+0100 onwards.
std::array<std::string, 256> byte_level_alphabet();

}  // namespace endorm
