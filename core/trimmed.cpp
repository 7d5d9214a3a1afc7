#include "core/trimmed.h"

namespace endorm {

std::string_view trimmed(std::string_view text, std::string_view around) {
  const std::size_t begin = text.find_first_not_of(around);
  return begin == std::string_view::npos ? std::string_view()
                                         : text.substr(begin, text.find_last_not_of(around) - begin + 1);
}

}  // namespace endorm
