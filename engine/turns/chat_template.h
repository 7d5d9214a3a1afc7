#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/messages.h"
#include "engine/text_form.h"
#include "engine/turns/turn.h"

namespace endorm {

// How messages become text.
class PromptForm {
 public:
  virtual ~PromptForm() = default;

  // The text before an answer that is still to be written. Throws InvalidInput with the template's own words where it
  // refuses the messages.
  virtual std::vector<TextPart> open_turn(std::span<const Message> messages, const TemplateOptions& options) const = 0;
  // The turn that an answer to the messages is. Throws as open_turn, and where the template leaves an answer out.
  virtual Turn turn(std::span<const Message> messages, const TemplateOptions& options) const = 0;
  // A response that is a message of its own (tool calls, reasoning apart from the answer), as the template writes it.
  // Throws as turn, and where this form knows no such messages, as fixed ones do.
  virtual PlacedResponse place_message(std::span<const Message> messages, const ResponseText& response,
                                       const TemplateOptions& options) const;
  // What the template writes within a model's own turn: the special tokens in it are a turn's to use.
  virtual std::string_view turn_text() const { return {}; }
  // What distinguishes this form: "plain", "raw", or the template's source.
  virtual std::string source() const = 0;
  virtual bool is_jinja() const { return false; }

 protected:
  // A prompt whose last message is the model's own is a turn to be continued.
  static bool is_open(std::span<const Message> messages);
};

// What a form writes between the words of a user's only message and the answer that is still to be written, e.g.
// "<|im_end|>\n<|im_start|>assistant\n". Empty where it refuses such a message or changes its words.
std::string turn_opening(const PromptForm& form, const TemplateOptions& options = {});

// A jinja chat template, as models carry it. Throws InvalidInput where the source does not parse.
std::unique_ptr<PromptForm> make_jinja_form(const std::string& source, const std::string& bos_text,
                                            const std::string& eos_text);

// "Question: ...\nAnswer: ..." for base models. eos_text (may be empty) ends a response.
std::unique_ptr<PromptForm> make_plain_form(const std::string& eos_text);

// Prompt and response as they are, for text that is already templated: special tokens spelled out in them are special
// tokens, and nothing is added.
std::unique_ptr<PromptForm> make_raw_form();

// The marks that a form writes under these options, as text.
TurnMarks turn_marks(const PromptForm& form, const TemplateOptions& options);

}  // namespace endorm
