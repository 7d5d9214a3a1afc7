#include "engine/chat_template.h"

#include <algorithm>
#include <string_view>

#include <chat.h>

#include "core/errors.h"

namespace endorm {
namespace {

constexpr std::time_t kTemplateDate = 1721995200;  // 26 July 2024, 12:00 UTC: the default date in Llama 3's template
constexpr std::string_view kProbe = "EndoRMresponse";

std::string joined(std::span<const TextPart> parts) {
  std::string text;
  for (const TextPart& part : parts) {
    text += part.text;
  }
  return text;
}

// What came from the messages.
std::string input_text(std::span<const TextPart> parts) {
  std::string text;
  for (const TextPart& part : parts) {
    text += part.is_input ? part.text : "";
  }
  return text;
}

// The parts of bytes [begin, end) of the joined text.
std::vector<TextPart> slice(std::span<const TextPart> parts, std::size_t begin, std::size_t end) {
  std::vector<TextPart> result;
  std::size_t at = 0;
  for (const TextPart& part : parts) {
    const std::size_t from = std::clamp(begin, at, at + part.text.size());
    const std::size_t to = std::clamp(end, at, at + part.text.size());
    if (from < to) {
      result.push_back({part.text.substr(from - at, to - from), part.is_input});
    }
    at += part.text.size();
  }
  return result;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::size_t occurrences(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) {
    ++count;
  }
  return count;
}

// The interpreter forgets where text came from when a template joins a message to words of its own and then takes the
// two apart again (a reasoning block that it looks for). What still spells a message that was lost so is that message.
std::vector<TextPart> with_messages_marked(std::vector<TextPart> parts, std::span<const Message> messages) {
  for (const Message& message : messages) {
    const std::string_view content = trimmed(message.content);
    const auto same = [&](const Message& other) { return trimmed(other.content) == content; };
    const auto expected = static_cast<std::size_t>(std::count_if(messages.begin(), messages.end(), same));
    if (content.empty() || occurrences(input_text(parts), content) >= expected) {
      continue;
    }
    std::vector<TextPart> marked;
    for (const TextPart& part : parts) {
      std::size_t begin = 0;
      for (std::size_t at = part.is_input ? std::string::npos : part.text.find(content); at != std::string::npos;
           at = part.text.find(content, begin)) {
        marked.push_back({part.text.substr(begin, at - begin), false});
        marked.push_back({std::string(content), true});
        begin = at + content.size();
      }
      marked.push_back({part.text.substr(begin), part.is_input});
    }
    parts = std::move(marked);
  }
  return parts;
}

class JinjaForm final : public PromptForm {
 public:
  JinjaForm(const std::string& source, const std::string& bos_text, const std::string& eos_text) try
      : template_(source, bos_text, eos_text) {
  } catch (const std::exception& error) {
    throw InvalidInput(std::string("[chat template] the template does not parse: ") + error.what() +
                       ". Give another one with --template FILE, or --template plain.");
  }

  RenderedPrompt render(std::span<const Message> messages, std::string_view response) const override {
    std::vector<Message> conversation(messages.begin(), messages.end());
    const std::vector<TextPart> asked = execute(conversation, true);
    conversation.push_back({"assistant", std::string(kProbe)});
    const std::vector<TextPart> answered = execute(conversation, false);

    const std::string asked_text = joined(asked);
    const std::string answered_text = joined(answered);
    const std::size_t probe = answered_text.rfind(kProbe);
    if (probe == std::string::npos) {
      throw InvalidInput(
          "[chat template] the template leaves out the assistant's answer, so that it cannot be scored. Give "
          "another one with --template FILE.");
    }
    RenderedPrompt rendered;
    rendered.after = slice(answered, probe + kProbe.size(), answered_text.size());
    if (!answered_text.starts_with(asked_text) || probe < asked_text.size()) {
      // The generation prompt is not what precedes an answer (it opens a reasoning block, say): what precedes it
      // counts. But a template may put the system message before the last question only while no answer follows.
      std::vector<TextPart> preceding = slice(answered, 0, probe);
      const bool complete = input_text(preceding).starts_with(input_text(asked));
      if (complete) {
        rendered.prompt = std::move(preceding);
      } else {
        rendered.prompt = asked;
      }
      return rendered;
    }
    const std::string before = answered_text.substr(asked_text.size(), probe - asked_text.size());
    const std::string_view opening = trimmed(before).substr(0, trimmed(before).find('\n'));
    if (opening.empty()) {
      rendered.prompt = asked;
      rendered.before = before;
    } else if (trimmed(response).starts_with(opening)) {
      rendered.prompt = asked;  // the response brings its own reasoning block
    } else {
      rendered.prompt = slice(answered, 0, probe);
    }
    return rendered;
  }

  std::vector<TextPart> open_turn(std::span<const Message> messages) const override {
    return execute({messages.begin(), messages.end()}, true);
  }

  std::string source() const override { return template_.source(); }

 private:
  std::vector<TextPart> execute(const std::vector<Message>& messages, bool add_generation_prompt) const {
    try {
      common_json list = common_json::array();
      for (const Message& message : messages) {
        common_json entry;
        entry["role"] = message.role;
        if (template_.caps.supports_string_content) {
          entry["content"] = message.content;
        } else {
          common_json part;
          part["type"] = "text";
          part["text"] = message.content;
          common_json content = common_json::array();
          content.push_back(std::move(part));
          entry["content"] = std::move(content);
        }
        list.push_back(std::move(entry));
      }
      common_json input;
      input["messages"] = std::move(list);
      common_json settings;
      settings["bos_token"] = template_.bos_token();
      settings["eos_token"] = template_.eos_token();
      settings["add_generation_prompt"] = add_generation_prompt;

      jinja::context context(template_.source());
      context.current_time = kTemplateDate;
      jinja::global_from_json(context, input, true);
      jinja::global_from_json(context, settings, false);
      jinja::runtime runtime(context);
      const auto gathered = jinja::runtime::gather_string_parts(runtime.execute(template_.prog));
      std::vector<TextPart> parts;
      for (const auto& part : gathered->val_str.parts) {
        parts.push_back({part.val, part.is_input});
      }
      return with_messages_marked(std::move(parts), messages);
    } catch (const std::exception& error) {
      throw InvalidInput(std::string("[chat template] the template refuses these messages: ") + error.what());
    }
  }

  common_chat_template template_;
};

class PlainForm final : public PromptForm {
 public:
  explicit PlainForm(std::string eos_text) : eos_text_(std::move(eos_text)) {}

  RenderedPrompt render(std::span<const Message> messages, std::string_view) const override {
    RenderedPrompt rendered;
    for (const Message& message : messages) {
      const bool user = message.role == "user";
      const bool assistant = message.role == "assistant";
      rendered.prompt.push_back({user ? "Question: " : assistant ? "Answer: " : "", false});
      rendered.prompt.push_back({message.content, true});
      rendered.prompt.push_back({user ? "\n" : "\n\n", false});
    }
    rendered.prompt.push_back({"Answer:", false});
    rendered.before = " ";
    if (!eos_text_.empty()) {
      rendered.after.push_back({eos_text_, false});
    }
    return rendered;
  }

  std::string source() const override { return "plain"; }

 private:
  std::string eos_text_;
};

class RawForm final : public PromptForm {
 public:
  RenderedPrompt render(std::span<const Message> messages, std::string_view) const override {
    RenderedPrompt rendered;
    for (const Message& message : messages) {
      rendered.prompt.push_back({message.content, false});
    }
    return rendered;
  }

  std::string source() const override { return "raw"; }
};

}  // namespace

std::unique_ptr<PromptForm> make_jinja_form(const std::string& source, const std::string& bos_text,
                                            const std::string& eos_text) {
  return std::make_unique<JinjaForm>(source, bos_text, eos_text);
}

std::unique_ptr<PromptForm> make_plain_form(const std::string& eos_text) {
  return std::make_unique<PlainForm>(eos_text);
}

std::string turn_opening(const PromptForm& form) {
  constexpr std::string_view kWords = "the words of a user";
  std::string text;
  try {
    const std::vector<Message> messages{{"user", std::string(kWords)}};
    for (const TextPart& part : form.open_turn(messages)) {
      text += part.text;
    }
  } catch (const InvalidInput&) {
    return {};
  }
  const std::size_t words = text.rfind(kWords);
  return words == std::string::npos ? std::string() : text.substr(words + kWords.size());
}

std::unique_ptr<PromptForm> make_raw_form() { return std::make_unique<RawForm>(); }

}  // namespace endorm
