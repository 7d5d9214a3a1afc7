// Arbitrary bytes as an answer and as a reference, parted by the first new line: a verdict for any of them, the same
// one twice, and right where both sides are one text that can be read.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "grade/grade.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t parted = text.find('\n');
  const std::string_view answer = text.substr(0, parted);
  const std::string_view reference = parted == std::string_view::npos ? answer : text.substr(parted + 1);
  const endorm::Grade found = endorm::grade(answer, reference);
  if (found.side.has_value() != (found.verdict == endorm::Verdict::kUnparsable)) {
    std::abort();
  }
  if (answer == reference && found.verdict == endorm::Verdict::kWrong) {
    std::abort();
  }
  return 0;
}
