#include <utility>

#include <json.h>

#include "core/errors.h"
#include "engine/turns/chat_template.h"

namespace endorm {
namespace {

using Kind = TextPart::Kind;

// Fixed forms know texts alone.
[[noreturn]] void refuse_message(const std::string& form) {
  throw InvalidInput("[chat template] the form \"" + form +
                     "\" knows no tool calls and no reasoning apart from the text. Give the response as text, or a "
                     "chat template with --template FILE.");
}

// Whether a message is its role and its content: fixed forms leave out who said it.
bool is_text(const Message& message) {
  if (message.fields.empty()) {
    return true;
  }
  const common_json fields = common_json::parse(message.fields);
  for (const auto& [name, value] : fields.items()) {
    if (name != "name" && name != "tool_call_id") {
      return false;
    }
  }
  return true;
}

class PlainForm final : public PromptForm {
 public:
  explicit PlainForm(std::string eos_text) : eos_text_(std::move(eos_text)) {}

  std::vector<TextPart> open_turn(std::span<const Message> messages, const TemplateOptions&) const override {
    std::vector<TextPart> prompt;
    const bool continues = is_open(messages);
    for (const Message& message : messages) {
      const bool user = message.role == "user";
      const bool assistant = message.role == "assistant";
      if (!is_text(message)) {
        refuse_message(source());
      }
      prompt.push_back({user ? "Question: " : assistant ? "Answer: " : "", Kind::kTemplate});
      const std::vector<TextPart> content = content_parts(message, Kind::kInput);
      prompt.insert(prompt.end(), content.begin(), content.end());
      if (!continues || &message != &messages.back()) {
        prompt.push_back({user ? "\n" : "\n\n", Kind::kTemplate});
      }
    }
    if (!continues) {
      prompt.push_back({"Answer:", Kind::kTemplate});
    }
    return prompt;
  }

  Turn turn(std::span<const Message> messages, const TemplateOptions& options) const override {
    Turn turn;
    turn.prompt = open_turn(messages, options);
    if (is_open(messages)) {
      turn.context = ResponseContext::kContinued;
    } else {
      turn.before = " ";
    }
    if (!eos_text_.empty()) {
      turn.after.push_back({eos_text_, Kind::kTemplate});
    }
    return turn;
  }

  std::string source() const override { return "plain"; }

 private:
  std::string eos_text_;
};

class RawForm final : public PromptForm {
 public:
  std::vector<TextPart> open_turn(std::span<const Message> messages, const TemplateOptions&) const override {
    std::vector<TextPart> prompt;
    for (const Message& message : messages) {
      if (!is_text(message)) {
        refuse_message(source());
      }
      const std::vector<TextPart> content = content_parts(message, Kind::kTemplate);
      prompt.insert(prompt.end(), content.begin(), content.end());
    }
    return prompt;
  }

  Turn turn(std::span<const Message> messages, const TemplateOptions& options) const override {
    Turn turn;
    turn.prompt = open_turn(messages, options);
    turn.context = ResponseContext::kRaw;
    return turn;
  }

  std::string source() const override { return "raw"; }
};

}  // namespace

PlacedResponse PromptForm::place_message(std::span<const Message>, const ResponseText&, const TemplateOptions&) const {
  refuse_message(source());
}

std::unique_ptr<PromptForm> make_plain_form(const std::string& eos_text) {
  return std::make_unique<PlainForm>(eos_text);
}

std::unique_ptr<PromptForm> make_raw_form() { return std::make_unique<RawForm>(); }

}  // namespace endorm
