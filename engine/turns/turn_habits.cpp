#include <array>
#include <cstddef>

#include "core/errors.h"
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

}  // namespace endorm
