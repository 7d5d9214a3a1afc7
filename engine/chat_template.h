#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace endorm {

// A piece of rendered text. What came from a message (is_input) is text and nothing else: a special token spelled out
// in it stays text. What came from the template may hold special tokens.
struct TextPart {
  std::string text;
  bool is_input = false;
};

// A conversation cut where the response goes: prompt, then before + response + after.
struct RenderedPrompt {
  std::vector<TextPart> prompt;
  std::string before;           // white space that the template puts between prompt and response
  std::vector<TextPart> after;  // what the template puts behind a finished response (the end-of-turn token, a newline)
};

// How messages become text.
class PromptForm {
 public:
  virtual ~PromptForm() = default;

  // The text around a response whose beginning is given (a template may put an empty reasoning block before a response
  // that does not bring one). Throws InvalidInput with the template's own words where it refuses the messages.
  virtual RenderedPrompt render(std::span<const Message> messages, std::string_view response) const = 0;
  // The text before an answer that is still to be written: the prompt of render(), but for a template that opens a
  // reasoning block for the model and none for a response without one. Throws as render.
  virtual std::vector<TextPart> open_turn(std::span<const Message> messages) const {
    return render(messages, {}).prompt;
  }
  // What distinguishes this form: "plain", "raw", or the template's source.
  virtual std::string source() const = 0;
};

// What a form writes between the words of a user's only message and the answer that is still to be written, e.g.
// "<|im_end|>\n<|im_start|>assistant\n". Empty where it refuses such a message or changes its words.
std::string turn_opening(const PromptForm& form);

// A jinja chat template, as models carry it. Dates are pinned (26 July 2024), so that a reward does not change
// overnight. Throws InvalidInput where the source does not parse.
std::unique_ptr<PromptForm> make_jinja_form(const std::string& source, const std::string& bos_text,
                                            const std::string& eos_text);

// "Question: ...\nAnswer: ..." for base models. eos_text (may be empty) ends a response.
std::unique_ptr<PromptForm> make_plain_form(const std::string& eos_text);

// Prompt and response as they are, for text that is already templated: special tokens spelled out in them are special
// tokens, and nothing is added.
std::unique_ptr<PromptForm> make_raw_form();

}  // namespace endorm
