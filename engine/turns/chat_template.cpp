#include "engine/turns/chat_template.h"

#include <string_view>
#include <utility>

#include <json.h>

#include "core/errors.h"
#include "engine/message_json.h"
#include "engine/turns/template_renderer.h"
#include "engine/turns/turn.h"

namespace endorm {
namespace {

class JinjaForm final : public PromptForm {
 public:
  JinjaForm(const std::string& source, const std::string& bos_text, const std::string& eos_text) try
      : renderer_(source, bos_text, eos_text) {
    learnt_ = learn_turns(
        [this](const std::vector<Message>& messages, const TemplateOptions& options, bool add_generation_prompt) {
          return renderer_.render(messages, options, add_generation_prompt);
        });
  } catch (const std::exception& error) {
    throw InvalidInput(std::string("[chat template] the template does not parse: ") + error.what() +
                       ". Give another one with --template FILE, or --template plain.");
  }

  std::vector<TextPart> open_turn(std::span<const Message> messages, const TemplateOptions& options) const override {
    if (is_open(messages)) {
      return continued(messages, options).prompt;
    }
    return renderer_.render({messages.begin(), messages.end()}, options, true);
  }

  Turn turn(std::span<const Message> messages, const TemplateOptions& options) const override {
    if (is_open(messages)) {
      return continued(messages, options);
    }
    std::vector<Message> conversation(messages.begin(), messages.end());
    std::vector<TextPart> asked = renderer_.render(conversation, options, true);
    conversation.push_back({"assistant", std::string(kAnswerProbe)});
    const auto [finished, after] = around_probe(renderer_.render(conversation, options, false));
    return make_turn(std::move(asked), finished, after, learnt_.habits);
  }

  PlacedResponse place_message(std::span<const Message> messages, const ResponseText& response,
                               const TemplateOptions& options) const override {
    return endorm::place_message(renderer_, turn(messages, options), messages, response, options);
  }

  std::string_view turn_text() const override { return learnt_.turn_text; }

  std::string source() const override { return renderer_.source(); }
  bool is_jinja() const override { return true; }

 private:
  Turn continued(std::span<const Message> messages, const TemplateOptions& options) const {
    std::vector<Message> conversation(messages.begin(), messages.end());
    conversation.back().content += std::string(kAnswerProbe) + " ";
    auto [prompt, after] = around_probe(renderer_.render(conversation, options, false));
    if (joined(after).starts_with(' ')) {
      after = slice(after, 1, joined(after).size());
    } else {  // the template strips what is said: white space at its end is no part of what is continued
      const std::string text = joined(prompt);
      const std::string_view kept = stripped(text);
      prompt = slice(prompt, 0, static_cast<std::size_t>(kept.data() + kept.size() - text.data()));
    }
    Turn turn;
    turn.prompt = std::move(prompt);
    turn.after = std::move(after);
    turn.context = ResponseContext::kContinued;
    turn.next = learnt_.habits.next;
    return turn;
  }

  // A rendering, cut where the probe stands.
  static std::pair<std::vector<TextPart>, std::vector<TextPart>> around_probe(const std::vector<TextPart>& parts) {
    const std::string text = joined(parts);
    const std::size_t probe = text.rfind(kAnswerProbe);
    if (probe == std::string::npos) {
      throw InvalidInput(
          "[chat template] the template leaves out the assistant's answer, so that it cannot be scored. Give "
          "another one with --template FILE.");
    }
    return {slice(parts, 0, probe), slice(parts, probe + kAnswerProbe.size(), text.size())};
  }

  TemplateRenderer renderer_;
  LearntTurns learnt_;
};

}  // namespace

bool PromptForm::is_open(std::span<const Message> messages) {
  return !messages.empty() && messages.back().role == "assistant" &&
         !has_field<common_json>(messages.back(), "tool_calls");
}

std::unique_ptr<PromptForm> make_jinja_form(const std::string& source, const std::string& bos_text,
                                            const std::string& eos_text) {
  return std::make_unique<JinjaForm>(source, bos_text, eos_text);
}

std::string turn_opening(const PromptForm& form, const TemplateOptions& options) {
  const std::string words = "the words of a user";
  std::string text;
  try {
    const std::vector<Message> messages{{"user", words}};
    text = joined(form.open_turn(messages, options));
  } catch (const InvalidInput&) {
    return {};
  }
  const std::size_t found = text.rfind(words);
  return found == std::string::npos ? std::string() : text.substr(found + words.size());
}

}  // namespace endorm
