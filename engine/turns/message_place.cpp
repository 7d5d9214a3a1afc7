#include <algorithm>
#include <map>
#include <string_view>

#include <json.h>

#include "core/errors.h"
#include "engine/message_json.h"
#include "engine/turns/input_marks.h"
#include "engine/turns/reasoning_blocks.h"
#include "engine/turns/template_renderer.h"
#include "engine/turns/turn.h"

namespace endorm {
namespace {

using Kind = TextPart::Kind;

[[noreturn]] void refuse_part(const std::string& part) {
  throw InvalidInput("[chat template] the template leaves out " + part +
                     ": it knows no such messages. Give the response as text, or another template with --template "
                     "FILE.");
}

// Throws where the template leaves out what is to be scored. plain: the rendering of the same message without its
// fields, whose words the template writes of its own.
void check_complete(const Message& message, std::string_view asked, std::string_view plain, std::string_view answered) {
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
  const auto check_text = [&](const char* name) {
    if (fields.contains(name) && fields[name].is_string() && !written(fields[name].get<std::string>())) {
      refuse_part(std::string("the ") + name + " of this response");
    }
  };
  std::for_each(kReasoningFields.begin(), kReasoningFields.end(), check_text);
  check_text("tool_plan");
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
std::string plain_text(const TemplateRenderer& renderer, std::vector<Message> conversation,
                       const TemplateOptions& options, const std::string& asked) {
  conversation.back().fields.clear();
  try {
    return joined(renderer.render(conversation, options, false));
  } catch (const InvalidInput&) {
    return asked;
  }
}

// Where the response begins in a rendering whose finished turns lack what the generation prompt has, but nothing that
// a model writes (a closed reasoning block): it is read behind the generation prompt all the same. 0 where not so.
std::size_t behind_finished(const Turn& plain, const std::string& answered) {
  const std::string finished = plain.finished ? joined(*plain.finished) : std::string();
  return !plain.block && plain.header.empty() && answered.starts_with(finished) ? finished.size() : 0;
}

// Where a message begins whose template writes what precedes it otherwise than the prompt has it: behind what opens
// the turn there (asked_tail), which stands before all that another answer does not share.
std::size_t rewritten_begin(const TemplateRenderer& renderer, std::span<const Message> messages,
                            const TemplateOptions& options, const std::string& asked_tail,
                            const std::string& answered) {
  std::vector<Message> conversation(messages.begin(), messages.end());
  conversation.push_back({"assistant", std::string(kAnswerProbe)});
  const std::size_t shared = shared_beginning(joined(renderer.render(conversation, options, false)), answered);
  const std::size_t tail =
      shared < asked_tail.size() ? std::string::npos : answered.rfind(asked_tail, shared - asked_tail.size());
  if (asked_tail.empty() || tail == std::string::npos) {
    throw InvalidInput(
        "[chat template] the template writes the conversation anew when this response follows, so that there is no "
        "context in which the model wrote it. Give the response as text or as token ids.");
  }
  return tail + asked_tail.size();
}

// Where in the rendering `answered` a message begins; sets the prompt before it. plain: the turn that an answer is.
std::size_t message_begin(const TemplateRenderer& renderer, const Message& message, std::span<const Message> messages,
                          const TemplateOptions& options, const Turn& plain, const std::vector<TextPart>& asked,
                          const std::vector<TextPart>& answered, PlacedResponse& placed) {
  const std::string asked_text = joined(asked);
  const std::string answered_text = joined(answered);
  placed.prompt = asked;
  // A message without the reasoning that the prompt has opened is an answer alone: it stands where the template puts
  // one, behind the block that the template has closed.
  const auto holds = [&](const char* name) { return has_field<common_json>(message, name); };
  const bool reasons = std::any_of(kReasoningFields.begin(), kReasoningFields.end(), holds) ||
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
  std::size_t shared = shared_beginning(asked_text, answered_text);
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
  return rewritten_begin(renderer, messages, options, tail_of(asked), answered_text);
}

// Where a message that begins at `begin` ends in its rendering: behind its last word. A template that joins its calls
// may lose which words were given: of a call without arguments the last of them is its name.
std::size_t words_end(const Message& message, const std::vector<TextPart>& answered, std::size_t begin) {
  std::size_t end = begin;
  std::size_t at = 0;
  for (const TextPart& part : answered) {
    at += part.text.size();
    end = part.kind == Kind::kInput && !part.text.empty() ? std::max(at, begin) : end;
  }
  if (end > begin) {
    return end;
  }
  const common_json fields = common_json::parse(message.fields);
  if (fields.contains("tool_calls") && fields["tool_calls"].is_array() && !fields["tool_calls"].empty()) {
    const auto& calls = fields["tool_calls"];
    const std::string name = calls[calls.size() - 1]["function"]["name"].get<std::string>();
    const std::size_t place = joined(answered).rfind(name);
    end = place == std::string::npos ? begin : std::max(begin, place + name.size());
  }
  return end;
}

}  // namespace

PlacedResponse place_message(const TemplateRenderer& renderer, const Turn& plain, std::span<const Message> messages,
                             const ResponseText& response, const TemplateOptions& options) {
  std::vector<Message> conversation(messages.begin(), messages.end());
  const std::vector<TextPart> asked =
      plain.context == ResponseContext::kContinued ? renderer.render(conversation, options, true) : plain.prompt;
  conversation.push_back({"assistant", response.text, response.fields});
  const std::vector<TextPart> answered = renderer.render(conversation, options, false, true);
  check_complete(conversation.back(), joined(asked), plain_text(renderer, conversation, options, joined(asked)),
                 joined(answered));
  PlacedResponse placed;
  placed.is_message = true;
  placed.whole_after = true;
  placed.next = plain.next;
  const std::size_t begin =
      message_begin(renderer, conversation.back(), messages, options, plain, asked, answered, placed);
  const std::size_t end = words_end(conversation.back(), answered, begin);
  placed.response = slice(answered, begin, end);
  placed.after = slice(answered, end, joined(answered).size());
  if (joined(placed.response).empty()) {
    refuse_part("this response");
  }
  return placed;
}

}  // namespace endorm
