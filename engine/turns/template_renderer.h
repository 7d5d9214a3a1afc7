#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/messages.h"
#include "engine/turns/turn.h"

struct common_chat_template;

namespace endorm {

// One jinja template, by llama.cpp's interpreter.
class TemplateRenderer {
 public:
  // Throws the interpreter's own error where the source does not parse.
  TemplateRenderer(const std::string& source, const std::string& bos_text, const std::string& eos_text);
  ~TemplateRenderer();

  // A conversation, with what of it came from messages. all_words: also plain words of the last message are to be
  // found, where marks can show them. Throws InvalidInput with the template's own words where it refuses the messages.
  std::vector<TextPart> render(const std::vector<Message>& messages, const TemplateOptions& options,
                               bool add_generation_prompt, bool all_words = false) const;
  std::string source() const;

 private:
  std::unique_ptr<common_chat_template> template_;
  // What it writes in the place of an image, of audio: "<|vision_start|><|image_pad|><|vision_end|>". Empty: it leaves
  // such a part of a content out.
  std::string image_text_;
  std::string audio_text_;
};

// A response that is a message of its own (tool calls, reasoning apart from the answer), where the template writes it.
// plain: the turn that an answer to the messages is. Throws InvalidInput where the template leaves a part of it out, or
// writes the conversation anew when it follows.
PlacedResponse place_message(const TemplateRenderer& renderer, const Turn& plain, std::span<const Message> messages,
                             const ResponseText& response, const TemplateOptions& options);

}  // namespace endorm
