#include "engine/messages.h"

#include <algorithm>

#include "core/errors.h"

namespace endorm {

bool has_media(std::span<const Message> messages) {
  return std::any_of(messages.begin(), messages.end(), [](const Message& message) { return !message.media.empty(); });
}

std::time_t noon_of(const std::string& date) {
  std::tm day{};
  const char* end = ::strptime(date.c_str(), "%Y-%m-%d", &day);
  day.tm_hour = 12;
  const int said = day.tm_mday;
  const std::time_t noon = ::timegm(&day);  // which makes the 30th of February the first or second of March
  if (end == nullptr || *end != '\0' || date.size() != 10 || day.tm_mday != said) {
    throw InvalidInput("[chat template] \"" + date + "\" is no date. Give --template-date as YYYY-MM-DD.");
  }
  return noon;
}

void check_template_date(const std::string& date) { noon_of(date); }

}  // namespace endorm
