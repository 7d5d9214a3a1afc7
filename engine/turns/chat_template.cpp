#include "engine/turns/chat_template.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include <chat.h>

#include "core/errors.h"
#include "engine/message_json.h"
#include "engine/turns/input_marks.h"
#include "engine/turns/template_input.h"
#include "engine/turns/turn_habits.h"

namespace endorm {
namespace {

using Kind = TextPart::Kind;

class JinjaForm final : public PromptForm {
 public:
  JinjaForm(const std::string& source, const std::string& bos_text, const std::string& eos_text) try
      : template_(source, bos_text, eos_text) {
    learnt_ =
        learn_turns([this](const std::vector<Message>& messages, const TemplateOptions& options,
                           bool add_generation_prompt) { return execute(messages, options, add_generation_prompt); });
  } catch (const std::exception& error) {
    throw InvalidInput(std::string("[chat template] the template does not parse: ") + error.what() +
                       ". Give another one with --template FILE, or --template plain.");
  }

  std::vector<TextPart> open_turn(std::span<const Message> messages, const TemplateOptions& options) const override {
    if (is_open(messages)) {
      return continued(messages, options).prompt;
    }
    return execute({messages.begin(), messages.end()}, options, true);
  }

  Turn turn(std::span<const Message> messages, const TemplateOptions& options) const override {
    if (is_open(messages)) {
      return continued(messages, options);
    }
    std::vector<Message> conversation(messages.begin(), messages.end());
    std::vector<TextPart> asked = execute(conversation, options, true);
    conversation.push_back({"assistant", std::string(kAnswerProbe)});
    const auto [finished, after] = around_probe(execute(conversation, options, false));
    return make_turn(std::move(asked), finished, after, learnt_.habits);
  }

  PlacedResponse place_message(std::span<const Message> messages, const ResponseText& response,
                               const TemplateOptions& options) const override {
    std::vector<Message> conversation(messages.begin(), messages.end());
    const Turn plain = turn(messages, options);
    const std::vector<TextPart> asked = is_open(messages) ? execute(conversation, options, true) : plain.prompt;
    conversation.push_back({"assistant", response.text, response.fields});
    const std::vector<TextPart> answered = execute(conversation, options, false, true);
    check_complete(conversation.back(), joined(asked), plain_text(conversation, options, joined(asked)),
                   joined(answered));
    PlacedResponse placed;
    placed.is_message = true;
    placed.whole_after = true;
    placed.next = learnt_.habits.next;
    const std::size_t begin = message_begin(conversation.back(), messages, options, plain, asked, answered, placed);
    // The token that ends the turn stands behind the message's last word.
    std::size_t words_end = begin;
    std::size_t at = 0;
    for (const TextPart& part : answered) {
      at += part.text.size();
      words_end = part.kind == Kind::kInput && !part.text.empty() ? std::max(at, begin) : words_end;
    }
    placed.response = slice(answered, begin, words_end);
    placed.after = slice(answered, words_end, at);
    if (placed.response.empty() && !has_field<common_json>(conversation.back(), "tool_calls")) {
      refuse_part("this response");
    }
    return placed;
  }

  const std::string& turn_text() const override { return learnt_.turn_text; }

  std::string source() const override { return template_.source(); }

 private:
  // A prompt whose last message is the model's own is a turn to be continued.
  static bool is_open(std::span<const Message> messages) {
    return !messages.empty() && messages.back().role == "assistant" &&
           !has_field<common_json>(messages.back(), "tool_calls");
  }

  Turn continued(std::span<const Message> messages, const TemplateOptions& options) const {
    std::vector<Message> conversation(messages.begin(), messages.end());
    conversation.back().content += std::string(kAnswerProbe) + " ";
    auto [prompt, after] = around_probe(execute(conversation, options, false));
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

  [[noreturn]] static void refuse_part(const std::string& part) {
    throw InvalidInput("[chat template] the template leaves out " + part +
                       ": it knows no such messages. Give the response as text, or another template with --template "
                       "FILE.");
  }

  // Throws where the template leaves out what is to be scored. plain: the rendering of the same message without its
  // fields, whose words the template writes of its own.
  static void check_complete(const Message& message, std::string_view asked, std::string_view plain,
                             std::string_view answered) {
    // The same words may stand in an earlier turn, which a template may also shorten once another follows.
    const std::size_t shared = shared_beginning(asked, answered);
    const auto written = [&](std::string_view words) {
      words = stripped(words);
      return words.empty() || occurrences(answered, words) > occurrences(asked, words) ||
             occurrences(answered.substr(shared), words) > 0;
    };
    if (!written(behind_reasoning(message.content))) {
      refuse_part("the content of this response beside its tool calls");
    }
    const common_json fields = common_json::parse(message.fields);
    for (const char* name : {"reasoning_content", "reasoning", "thinking", "tool_plan"}) {
      if (fields.contains(name) && fields[name].is_string() && !written(fields[name].get<std::string>())) {
        refuse_part(std::string("the ") + name + " of this response");
      }
    }
    std::map<std::string, std::size_t> calls;
    if (fields.contains("tool_calls") && fields["tool_calls"].is_array()) {
      for (const auto& call : fields["tool_calls"]) {
        if (!call.is_object() || !call.contains("function") || !call["function"].is_object() ||
            !call["function"].contains("name") || !call["function"]["name"].is_string()) {
          throw InvalidInput(
              "[chat template] a tool call is {\"type\": \"function\", \"function\": {\"name\", \"arguments\"}}.");
        }
        ++calls[call["function"]["name"].get<std::string>()];
      }
    }
    for (const auto& [name, count] : calls) {
      if (occurrences(answered, name) < occurrences(plain, name) + count) {
        refuse_part("the tool calls of this response");
      }
    }
  }

  // The same message without its fields; the prompt where the template refuses it.
  std::string plain_text(std::vector<Message> conversation, const TemplateOptions& options,
                         const std::string& asked) const {
    conversation.back().fields.clear();
    try {
      return joined(execute(conversation, options, false));
    } catch (const InvalidInput&) {
      return asked;
    }
  }

  // Where the response begins in a rendering whose finished turns lack what the generation prompt has, but nothing that
  // a model writes (a closed reasoning block): it is read behind the generation prompt all the same. 0 where not so.
  static std::size_t behind_finished(const Turn& plain, const std::string& answered) {
    const std::string finished = plain.finished ? joined(*plain.finished) : std::string();
    return !plain.block && plain.header.empty() && answered.starts_with(finished) ? finished.size() : 0;
  }

  // Where in the rendering `answered` a message begins; sets the prompt before it. plain: the turn that an answer is.
  std::size_t message_begin(const Message& message, std::span<const Message> messages, const TemplateOptions& options,
                            const Turn& plain, const std::vector<TextPart>& asked,
                            const std::vector<TextPart>& answered, PlacedResponse& placed) const {
    const std::string asked_text = joined(asked);
    const std::string answered_text = joined(answered);
    placed.prompt = asked;
    // A message without the reasoning that the prompt has opened is an answer alone: it stands where the template puts
    // one, behind the block that the template has closed.
    const auto holds = [&](const char* name) { return has_field<common_json>(message, name); };
    const bool reasons = holds("reasoning_content") || holds("reasoning") || holds("thinking") ||
                         (plain.block && message.content.find(plain.block->closer) != std::string::npos);
    if (plain.block && plain.finished && !reasons && answered_text.starts_with(joined(*plain.finished))) {
      placed.context = ResponseContext::kClosedByTemplate;
      placed.prompt = *plain.finished;
      return joined(*plain.finished).size();
    }
    if (answered_text.starts_with(asked_text)) {
      return asked_text.size();
    }
    if (const std::size_t behind = behind_finished(plain, answered_text); behind > 0) {
      return behind;
    }
    // The generation prompt may open what this message does not hold (reasoning that was left out): the turn begins
    // where the two part.
    auto shared = static_cast<std::size_t>(
        std::mismatch(asked_text.begin(), asked_text.end(), answered_text.begin(), answered_text.end()).first -
        asked_text.begin());
    if (const std::size_t open = asked_text.find_last_of("<>", shared == 0 ? 0 : shared - 1);
        open != std::string::npos && asked_text[open] == '<') {
      shared = open;  // within a tag
    }
    std::size_t at = 0;
    for (const TextPart& part : answered) {
      const std::size_t end = at + part.text.size();
      shared = part.kind == Kind::kInput && at < shared && shared < end ? at : shared;  // within a word
      at = end;
    }
    if (input_text(slice(asked, 0, shared)) == input_text(asked)) {
      placed.context = ResponseContext::kClosedByTemplate;
      placed.prompt = slice(answered, 0, shared);
      return shared;
    }
    return rewritten_begin(messages, options, tail_of(asked), answered_text);
  }

  // Where a message begins whose template writes what precedes it otherwise than the prompt has it: behind what opens
  // the turn there (asked_tail), which stands before all that another answer does not share.
  std::size_t rewritten_begin(std::span<const Message> messages, const TemplateOptions& options,
                              const std::string& asked_tail, const std::string& answered) const {
    std::vector<Message> conversation(messages.begin(), messages.end());
    conversation.push_back({"assistant", std::string(kAnswerProbe)});
    const std::size_t shared = shared_beginning(joined(execute(conversation, options, false)), answered);
    const std::size_t tail =
        shared < asked_tail.size() ? std::string::npos : answered.rfind(asked_tail, shared - asked_tail.size());
    if (asked_tail.empty() || tail == std::string::npos) {
      throw InvalidInput(
          "[chat template] the template writes the conversation anew when this response follows, so that there is no "
          "context in which the model wrote it. Give the response as text or as token ids.");
    }
    return tail + asked_tail.size();
  }

  std::vector<TextPart> render(const common_json& input, const TemplateOptions& options,
                               bool add_generation_prompt) const {
    common_json settings;
    for (const auto& [name, text] :
         {std::pair("bos_token", template_.bos_token()), {"eos_token", template_.eos_token()}}) {
      settings[name] = input.contains(name) ? input.at(name) : common_json(text);
    }
    settings["add_generation_prompt"] = add_generation_prompt;
    jinja::context context(template_.source());
    context.current_time = noon_of(options.date);
    jinja::global_from_json(context, input, true);
    jinja::global_from_json(context, settings, false);
    jinja::runtime runtime(context);
    const auto gathered = jinja::runtime::gather_string_parts(runtime.execute(template_.prog));
    std::vector<TextPart> parts;
    for (const auto& part : gathered->val_str.parts) {
      parts.push_back({part.val, part.is_input ? Kind::kInput : Kind::kTemplate});
    }
    return parts;
  }

  // all_words: also plain words of the last message are to be found, where marks can show them.
  std::vector<TextPart> execute(const std::vector<Message>& messages, const TemplateOptions& options,
                                bool add_generation_prompt, bool all_words = false) const {
    common_json input = template_input(
        messages, options, {template_.caps.supports_string_content, template_.caps.supports_object_arguments});
    while (true) {
      try {
        return rendered(input, options, add_generation_prompt, all_words);
      } catch (const InvalidInput&) {
        throw;
      } catch (const std::exception& error) {
        if (!fill_contents(input["messages"])) {
          throw InvalidInput(std::string("[chat template] the template refuses these messages: ") + error.what());
        }
      }
    }
  }

  std::vector<TextPart> rendered(const common_json& input, const TemplateOptions& options, bool add_generation_prompt,
                                 bool all_words) const {
    std::vector<TextPart> parts = render(input, options, add_generation_prompt);
    std::vector<std::string> texts;
    add_texts(input, texts);
    if (!all_words && all_marked(parts, texts)) {
      return parts;
    }
    for (const bool at_ends : {true, false}) {
      for (const bool spare_reasoning : {false, true}) {
        if (at_ends && !all_words) {
          continue;
        }
        if (auto marked = marked_parts(input, parts, {spare_reasoning, at_ends}, options, add_generation_prompt)) {
          return *marked;
        }
      }
    }
    return with_texts_marked(std::move(parts), texts);
  }

  std::optional<std::vector<TextPart>> marked_parts(const common_json& input, std::span<const TextPart> parts,
                                                    const InputMarks& marks, const TemplateOptions& options,
                                                    bool add_generation_prompt) const {
    common_json marked = marked_json(input, {marks.spare_reasoning, false});
    if (marks.at_ends) {
      common_json& last = marked["messages"][marked["messages"].size() - 1];
      last = marked_message(input.at("messages")[input.at("messages").size() - 1], marks);
    }
    try {
      return take_marks(parts, joined(render(marked, options, add_generation_prompt)));
    } catch (const std::exception&) {
      return std::nullopt;  // the template has looked at a marked word
    }
  }

  common_chat_template template_;
  LearntTurns learnt_;
};

}  // namespace

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
