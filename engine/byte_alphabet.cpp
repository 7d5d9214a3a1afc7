#include "engine/byte_alphabet.h"

#include <cstdint>

namespace endorm {

std::array<std::string, 256> byte_level_alphabet() {
  std::array<std::string, 256> alphabet;
  std::uint32_t moved = 0x100;
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    const bool printable =
        (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
    const std::uint32_t code = printable ? byte : moved++;
    if (code < 0x80) {
      alphabet[byte] = static_cast<char>(code);
    } else {
      alphabet[byte] = {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3F))};
    }
  }
  return alphabet;
}

}  // namespace endorm
