#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/messages.h"
#include "engine/turns/text_parts.h"

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
  class Template;
  std::unique_ptr<Template> template_;
};

}  // namespace endorm
