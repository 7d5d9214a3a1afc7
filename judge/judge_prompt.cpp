#include "judge/judge_prompt.h"

#include "core/errors.h"
#include "engine/content_hash.h"

namespace endorm {
namespace {

constexpr std::string_view kTitle = "# endorm prompt ";
constexpr std::string_view kSystem = "## system\n";
constexpr std::string_view kUser = "\n## user\n";

[[noreturn]] void malformed(std::string_view fact) {
  throw InternalError("[JudgePrompt] a prompt file " + std::string(fact) +
                      "; see judge/judge_prompt.h for the form that it must have");
}

// Takes `head` away from the front of text.
void expect(std::string_view& text, std::string_view head) {
  if (!text.starts_with(head)) {
    malformed("lacks \"" + std::string(head) + "\"");
  }
  text.remove_prefix(head.size());
}

// Takes away and returns what stands before `end`, which is taken away as well.
std::string_view take_until(std::string_view& text, std::string_view end) {
  const std::size_t at = text.find(end);
  if (at == std::string_view::npos) {
    malformed("lacks \"" + std::string(end) + "\"");
  }
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at + end.size());
  return taken;
}

}  // namespace

JudgePrompt::JudgePrompt(std::string_view file) {
  std::string_view rest = file;
  expect(rest, kTitle);
  fingerprint_ = std::string(take_until(rest, "\n")) + " sha256=" + hex(sha256(file));
  expect(rest, kSystem);
  system_ = take_until(rest, kUser);
  if (!rest.ends_with('\n')) {
    malformed("does not end in a newline");
  }
  user_ = rest.substr(0, rest.size() - 1);
}

std::vector<Message> JudgePrompt::fill(const std::map<std::string, std::string>& values) const {
  // One pass from left to right: what a value brings is never read for slots.
  std::string user;
  std::string_view rest = user_;
  for (std::size_t at = rest.find('{'); at != std::string_view::npos; at = rest.find('{')) {
    user += rest.substr(0, at);
    rest.remove_prefix(at + 1);
    const std::string slot(take_until(rest, "}"));
    const auto value = values.find(slot);
    if (value == values.end()) {
      malformed("has the slot {" + slot + "}, for which this judge has no value");
    }
    user += value->second;
  }
  user += rest;
  return {{"system", system_}, {"user", std::move(user)}};
}

std::string query_text(std::span<const Message> messages) {
  if (has_media(messages)) {
    throw InvalidInput("[judge] this judge is asked in words, and the prompt holds an image or a sound.");
  }
  if (messages.size() == 1 && messages[0].role == "user" && messages[0].fields.empty()) {
    return messages[0].content;
  }
  std::string text;
  for (const Message& message : messages) {
    text += (text.empty() ? "[" : "\n\n[") + message.role + "]\n" + message.content + message.fields;
  }
  return text;
}

}  // namespace endorm
