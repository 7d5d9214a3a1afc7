#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/turns/text_parts.h"

class common_json;

namespace endorm {

// What a template writes for a part {"type": type} of a content, learnt from two renderings of a user's message: with
// such a part between words and without. Empty where it writes nothing, or takes no such part.
std::string learn_medium_text(const std::function<std::string(const common_json& content)>& render,
                              const std::string& type);

// A rendering with a part kMedium in the place of each medium. written: what the template wrote for each, in order;
// what came from messages is not looked at but for kMediumText. Throws InvalidInput where one is not there.
std::vector<TextPart> with_media(std::vector<TextPart> parts, std::span<const std::string> written);

}  // namespace endorm
