#include "score/step_ranges.h"

#include <algorithm>
#include <string>

#include "core/errors.h"

namespace endorm {

std::vector<std::size_t> split_steps(std::string_view text, std::string_view separator) {
  if (separator.empty()) {
    throw InvalidInput("[split_steps] the step separator is empty");
  }
  constexpr std::string_view kSpace = " \t\r\n";
  std::vector<std::size_t> begins;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t found = text.find(separator, begin);
    const std::size_t end = found == std::string_view::npos ? text.size() : found + separator.size();
    const bool blank = text.substr(begin, end - begin).find_first_not_of(kSpace) == std::string_view::npos;
    if (!blank) {
      begins.push_back(begins.empty() ? 0 : begin);
    }
    begin = end;
  }
  return begins;
}

std::vector<TokenRange> step_ranges(std::span<const std::size_t> step_begins, std::span<const std::size_t> byte_offsets,
                                    std::size_t token_count) {
  if (step_begins.empty() || token_count == 0) {
    return {};
  }
  if (byte_offsets.size() != token_count) {
    throw InvalidInput(
        "[step_ranges] this model's tokenizer rewrites text, so that steps cannot be placed on its tokens");
  }
  std::vector<TokenRange> ranges;
  std::size_t begin = 0;
  for (std::size_t step = 0; step < step_begins.size(); ++step) {
    std::size_t end = token_count;
    if (step + 1 < step_begins.size()) {
      const auto next = std::lower_bound(byte_offsets.begin(), byte_offsets.end(), step_begins[step + 1]);
      end = static_cast<std::size_t>(next - byte_offsets.begin());
    }
    if (end <= begin) {
      throw InvalidInput("[step_ranges] step " + std::to_string(step + 1) + " of " +
                         std::to_string(step_begins.size()) +
                         " is empty or shares its only token with the step before it");
    }
    ranges.push_back({begin, end});
    begin = end;
  }
  return ranges;
}

}  // namespace endorm
