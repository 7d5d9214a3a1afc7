#include "app/server/other_family.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/turns/turn.h"

namespace endorm {
namespace {

// A mark that families write before an answer, and the tag in it that a vocabulary of the family has.
struct OpeningMark {
  std::string_view tag;
  std::string_view text;
};
// Read from the templates that llama.cpp ships; DeepSeek's bars and lines are not ASCII.
constexpr std::array<OpeningMark, 17> kOpenings = {{
    {"<|im_start|>", "<|im_start|>assistant"},
    {"<|start_header_id|>", "<|start_header_id|>assistant<|end_header_id|>"},
    {"<|header_start|>", "<|header_start|>assistant<|header_end|>"},
    {"<start_of_turn>", "<start_of_turn>model"},
    {"<|turn>", "<|turn>model"},
    {"[/INST]", "[/INST]"},
    {"<|assistant|>", "<|assistant|>"},
    {"<|Assistant|>", "<|Assistant|>"},
    {"<|start|>", "<|start|>assistant"},
    {"<|begin|>", "<|begin|>assistant"},
    {"<|begin_assistant|>", "<|begin_assistant|>"},
    {"<|START_OF_TURN_TOKEN|>", "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>"},
    {"<|start_of_role|>", "<|start_of_role|>assistant<|end_of_role|>"},
    {"<|im_assistant|>", "<|im_assistant|>assistant<|im_middle|>"},
    {"<|assistant_start|>", "<|assistant_start|>"},
    {"<\xEF\xBD\x9C"
     "Assistant\xEF\xBD\x9C>",
     "<\xEF\xBD\x9C"
     "Assistant\xEF\xBD\x9C>"},
    {"<\xEF\xBD\x9C"
     "hy_Assistant\xEF\xBD\x9C>",
     "<\xEF\xBD\x9C"
     "hy_Assistant\xEF\xBD\x9C>"},
}};
constexpr std::array<std::string_view, 10> kEnds = {
    "<|im_end|>",
    "<|eot_id|>",
    "<|eot|>",
    "<|end|>",
    "<|eom_id|>",
    "<end_of_turn>",
    "<turn|>",
    "<|END_OF_TURN_TOKEN|>",
    "<|end_of_text|>",
    "<\xEF\xBD\x9C"
    "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>",
};

bool is_own(std::string_view tag, const TurnMarks& marks) {
  return marks.specials.empty() || marks.specials.contains(tag) || marks.form.find(tag) != std::string::npos;
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace

std::string_view foreign_opening(std::string_view prompt, const TurnMarks& marks) {
  for (const OpeningMark& mark : kOpenings) {
    const std::size_t at = prompt.rfind(mark.text);
    if (at == std::string_view::npos || is_own(mark.tag, marks)) {
      continue;
    }
    const std::size_t own = marks.opening.empty() ? std::string_view::npos : prompt.rfind(marks.opening);
    if (own != std::string_view::npos && own > at) {
      continue;  // a user wrote of it
    }
    // Behind it stand at most further tags: a reasoning block, a channel.
    const std::string_view rest = stripped(prompt.substr(at + mark.text.size()));
    if (rest.empty() || (rest.front() == '<' && rest.back() == '>')) {
      return mark.text;
    }
  }
  return {};
}

std::string_view foreign_end(std::string_view response, const TurnMarks& marks) {
  const std::string_view text = stripped(response);
  const auto found = std::find_if(kEnds.begin(), kEnds.end(),
                                  [&](std::string_view end) { return text.ends_with(end) && !is_own(end, marks); });
  return found == kEnds.end() ? std::string_view() : *found;
}

std::string_view foreign_mark(std::string_view text, const TurnMarks& marks) {
  for (const OpeningMark& mark : kOpenings) {
    if (contains(text, mark.tag) && !is_own(mark.tag, marks)) {
      return mark.tag;
    }
  }
  const auto found = std::find_if(kEnds.begin(), kEnds.end(),
                                  [&](std::string_view end) { return contains(text, end) && !is_own(end, marks); });
  return found == kEnds.end() ? std::string_view() : *found;
}

void refuse_other_family(std::string_view prompt, const TurnMarks& marks, const std::string& name) {
  const std::string_view mark = foreign_opening(prompt, marks);
  if (mark.empty()) {
    return;
  }
  const std::string own = marks.opening.empty()
                              ? "this model has no chat template"
                              : "this model's own turn begins with " + nlohmann::json(marks.opening).dump();
  throw InvalidInput("\"" + name + "\" ends with " + std::string(mark) +
                     ", which another model's chat template writes and this model reads as letters; " + own +
                     ". Apply the reward model's template, or send messages.");
}

}  // namespace endorm
