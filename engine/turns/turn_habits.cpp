#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <utility>

#include "core/errors.h"
#include "engine/turns/chat_template.h"
#include "engine/turns/reasoning_blocks.h"
#include "engine/turns/turn.h"

namespace endorm {
namespace {

constexpr std::string_view kReasoningProbe = "EndoRMreasoning";
constexpr std::string_view kCallProbe = "EndoRMfunction";

// What stands between an answer and the words of the next question.
void learn_next(const RenderConversation& render, const std::vector<Message>& conversation, TurnHabits& habits) {
  try {
    const std::string text = joined(render(conversation, TemplateOptions{}, false));
    const std::size_t begin = text.rfind(kAnswerProbe);
    const std::size_t end = text.find(conversation.back().content, begin);
    if (begin != std::string::npos && end != std::string::npos) {
      habits.next = text.substr(begin + kAnswerProbe.size(), end - begin - kAnswerProbe.size());
    }
  } catch (const InvalidInput&) {
    return;  // it takes no more than one question
  }
}

// opening: a rendering of the question with the generation prompt.
void learn_answer(const RenderConversation& render, const std::string& opening,
                  const std::vector<Message>& conversation, const TemplateOptions& options, LearntTurns& learnt) {
  std::string text;
  try {
    text = joined(render(conversation, options, false));
  } catch (const InvalidInput&) {
    return;  // it knows no such answers
  }
  const std::string written = text.substr(shared_beginning(opening, text));
  learnt.turn_text += written + kNextAnswer;
  const std::string_view begin = stripped(written);
  if (const std::string tag = first_tag(begin); !tag.empty()) {
    learnt.habits.starts.push_back(tag);
  }
  if (const std::size_t end = begin.find('{'); begin.starts_with(kCallProbe) && end != std::string_view::npos) {
    learnt.habits.behind_name = begin.substr(kCallProbe.size(), end + 1 - kCallProbe.size());
  }
  const std::size_t reason = text.rfind(kReasoningProbe);
  const std::size_t content = text.find(kAnswerProbe, reason);
  if (learnt.habits.reasoning_end.empty() && reason != std::string::npos && content != std::string::npos) {
    const std::size_t end = reason + kReasoningProbe.size();
    learnt.habits.reasoning_end = text.substr(end, content - end);
  }
}

const std::string kSaid = "what was said to that";
const Message kQuestion{"user", "the words of a user"};
const Message kAnswer{"assistant", "what the model said"};

bool has_letter(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char byte) { return byte >= 0x80 || std::isalpha(byte); });
}

// What a form writes between an answer and what is said to it. Throws where it knows no such conversation.
std::string opening_of(const PromptForm& form, const Message& said, const TemplateOptions& options) {
  const std::string text = joined(form.open_turn(std::vector<Message>{kQuestion, kAnswer, said}, options));
  const std::string after = joined(form.turn(std::span(&kQuestion, 1), options).after);
  const std::size_t end = text.rfind(said.content);
  const std::size_t begin = text.rfind(kAnswer.content, end);
  if (end == std::string::npos || begin == std::string::npos) {
    return {};
  }
  const std::string between = text.substr(begin + kAnswer.content.size(), end - begin - kAnswer.content.size());
  return between.substr(shared_beginning(between, after));  // the end of the answer opens nothing
}

std::vector<std::string> other_openings(const PromptForm& form, const TemplateOptions& options) {
  const std::array<std::pair<Message, Message>, 2> others = {
      {{{"user", kSaid}, {"user", kSaid}},
       // What both have does not depend on the call that a tool answers.
       {{"tool", kSaid, R"({"tool_call_id":"call00001","name":"probe"})"},
        {"tool", kSaid, R"({"tool_call_id":"last00002","name":"other"})"}}}};
  std::vector<std::string> openings;
  for (const auto& [one, other] : others) {
    try {
      const std::string opening = opening_of(form, one, options);
      const std::size_t shared = shared_beginning(opening, opening_of(form, other, options));
      const std::string mark(stripped(opening.substr(0, shared)));
      if (has_letter(mark) && std::find(openings.begin(), openings.end(), mark) == openings.end()) {
        openings.push_back(mark);
      }
    } catch (const InvalidInput&) {
      continue;  // it knows no such conversation
    }
  }
  return openings;
}

// How two texts end alike, no tag cut in two.
std::string shared_ending(std::string_view a, std::string_view b) {
  const auto shared = std::mismatch(a.rbegin(), a.rend(), b.rbegin(), b.rend()).first - a.rbegin();
  std::string_view ending = a.substr(a.size() - static_cast<std::size_t>(shared));
  if (ending.size() < a.size()) {
    const std::size_t close = ending.find_first_of("<[>]");
    if (close != std::string_view::npos && (ending[close] == '>' || ending[close] == ']')) {
      ending.remove_prefix(close + 1);
    }
  }
  return std::string(ending);
}

// What a form writes behind the words of a tool; empty where it knows no tools, or answers them in the same turn.
std::string opening_behind_tool(const PromptForm& form, const TemplateOptions& options) {
  const Message call{"assistant", "",
                     R"({"content":null,"tool_calls":[{"type":"function","id":"call00001",)"
                     R"("function":{"name":"probe","arguments":"{}"}}]})"};
  const Message said{"tool", kSaid, R"({"tool_call_id":"call00001","name":"probe"})"};
  try {
    const std::string text = joined(form.open_turn(std::vector<Message>{kQuestion, call, said}, options));
    const std::size_t found = text.rfind(kSaid);
    return found == std::string::npos ? std::string() : text.substr(found + kSaid.size());
  } catch (const InvalidInput&) {
    return {};
  }
}

}  // namespace

LearntTurns learn_turns(const RenderConversation& render) {
  LearntTurns learnt;
  const std::string reasoning(kReasoningProbe);
  const std::string reasons = "\"reasoning_content\":\"" + reasoning + "\",\"reasoning\":\"" + reasoning +
                              "\",\"thinking\":\"" + reasoning + "\"";
  const std::string calls = "\"tool_calls\":[{\"type\":\"function\",\"id\":\"call00001\",\"function\":{\"name\":\"" +
                            std::string(kCallProbe) + "\",\"arguments\":{\"a\":\"b\"}}}]";
  const std::array<Message, 5> answers = {{{"assistant", std::string(kAnswerProbe), ""},
                                           {"assistant", std::string(kAnswerProbe), "{" + reasons + "}"},
                                           {"assistant", "", "{" + calls + "}"},
                                           {"assistant", "", "{" + reasons + "," + calls + "}"},
                                           {"assistant", std::string(kAnswerProbe), "{" + calls + "}"}}};
  const Message question{"user", "EndoRMquestion", ""};
  std::string marks;
  for (const char* arguments :
       {"", "{\"enable_thinking\":true,\"thinking\":true}", "{\"enable_thinking\":false,\"thinking\":false}"}) {
    TemplateOptions options;
    options.arguments = arguments;
    try {
      const std::string opening = joined(render({question}, options, true));
      marks += reasoning_marks(opening);
      for (const Message& answer : answers) {
        learn_answer(render, opening, {question, answer}, options, learnt);
      }
    } catch (const InvalidInput&) {
      continue;  // it wants other conversations than this one
    }
  }
  learnt.turn_text = marks + learnt.turn_text;
  learn_next(render, {question, answers[0], {"user", "EndoRMfollowing", ""}}, learnt.habits);
  return learnt;
}

TurnMarks turn_marks(const PromptForm& form, const TemplateOptions& options) {
  TurnMarks marks;
  marks.opening = turn_opening(form, options);
  // What ends a user's turn alone ("</user>") does not stand before an answer to a tool.
  const std::string shared = shared_ending(marks.opening, opening_behind_tool(form, options));
  const std::string_view own = std::string_view(marks.opening).substr(0, marks.opening.size() - shared.size());
  if (own.find("user") != std::string_view::npos && has_letter(shared)) {
    marks.opening = shared;
  }
  marks.others = other_openings(form, options);
  marks.form = form.source();
  return marks;
}

}  // namespace endorm
