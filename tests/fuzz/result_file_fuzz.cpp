// The terminal table of arbitrary bytes taken for a result file: text without control characters, or InvalidInput.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>

#include "core/errors.h"
#include "report/records_table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::istringstream lines(std::string(reinterpret_cast<const char*>(data), size));
  try {
    for (const char character : endorm::render_records_table(lines, 80, 50)) {
      if (static_cast<unsigned char>(character) < 0x20 && character != '\n') {
        std::abort();
      }
    }
  } catch (const endorm::InvalidInput&) {
  }
  return 0;
}
