#include "engine/turns/medium_places.h"

#include <algorithm>
#include <string_view>

#include <json.h>

#include "core/errors.h"

namespace endorm {
namespace {

using Kind = TextPart::Kind;

common_json text_part(const std::string& text) {
  common_json part;
  part["type"] = "text";
  part["text"] = text;
  return part;
}

// What `with` has that `without` has not, where that is one run of bytes.
std::string inserted(std::string_view without, std::string_view with) {
  const std::size_t shorter = std::min(without.size(), with.size());
  const auto same = static_cast<std::size_t>(
      std::mismatch(without.begin(), without.begin() + static_cast<std::ptrdiff_t>(shorter), with.begin()).first -
      without.begin());
  const std::size_t behind = without.size() - same;
  if (with.size() <= without.size() || !with.ends_with(without.substr(same))) {
    return {};
  }
  std::string run(with.substr(same, with.size() - behind - same));
  // The bytes before it may be those that it ends with: then it begins earlier, with the bracket of a special token.
  constexpr std::string_view kBrackets = "<[";
  for (std::size_t back = 1; back <= std::min(same, run.size()); ++back) {
    if (kBrackets.find(run.front()) != std::string_view::npos || with[same - back] != run.back()) {
      break;
    }
    std::rotate(run.begin(), run.end() - 1, run.end());
  }
  return run;
}

// Whether bytes [begin, begin + size) of the joined text hold anything that came from messages.
bool from_messages(std::span<const TextPart> parts, std::size_t begin, std::size_t size) {
  std::size_t at = 0;
  for (const TextPart& part : parts) {
    const std::size_t end = at + part.text.size();
    if (part.kind == Kind::kInput && at < begin + size && begin < end) {
      return true;
    }
    at = end;
  }
  return false;
}

}  // namespace

std::string learn_medium_text(const std::function<std::string(const common_json& content)>& render,
                              const std::string& type) {
  common_json without = common_json::array();
  common_json with = common_json::array();
  without.push_back(text_part("EndoRM before"));
  with.push_back(text_part("EndoRM before"));
  common_json medium;
  medium["type"] = type;
  with.push_back(std::move(medium));
  without.push_back(text_part("EndoRM behind"));
  with.push_back(text_part("EndoRM behind"));
  try {
    return std::string(stripped(inserted(render(without), render(with))));
  } catch (const std::exception&) {
    return {};
  }
}

std::vector<TextPart> with_media(std::vector<TextPart> parts, std::span<const std::string> written) {
  if (written.empty()) {
    return parts;
  }
  const std::string text = joined(parts);
  std::vector<TextPart> result;
  std::size_t begin = 0;
  for (const std::string& mark : written) {
    std::size_t found = text.find(mark, begin);
    while (found != std::string::npos && mark != kMediumText && from_messages(parts, found, mark.size())) {
      found = text.find(mark, found + 1);
    }
    if (found == std::string::npos) {
      throw InvalidInput(
          "[chat template] the template leaves out an image or a sound of these messages. Give another one with "
          "--template FILE.");
    }
    const std::vector<TextPart> before = slice(parts, begin, found);
    result.insert(result.end(), before.begin(), before.end());
    result.push_back({std::string(kMediumText), Kind::kMedium});
    begin = found + mark.size();
  }
  const std::vector<TextPart> rest = slice(parts, begin, text.size());
  result.insert(result.end(), rest.begin(), rest.end());
  return result;
}

}  // namespace endorm
