#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/llama/llama_engine.h"
#include "engine/turns/chat_template.h"
#include "tests/engine/template_model.h"
#include "tests/temporary_directory.h"

namespace endorm {

// The conversation that every template is asked for an answer to.
inline const std::vector<Message> kQuestion = {{"user", "What is 2 + 2?"}};
inline constexpr std::string_view kCall =
    R"("tool_calls":[{"type":"function","id":"call00001","function":{"name":"look_up","arguments":{"word":"four"}}}])";

// Every chat template that llama.cpp ships, and those of the models here, by name.
std::map<std::string, std::string> shipped_templates();
// A template and the special tokens in its renderings of answers, reasoning and tool calls.
TemplateModel model_of(const std::string& source);

// One template with its model, and what is asked of it.
struct TurnSubject {
  TurnSubject(const TemplateModel& its_model, MarkerKind kind, const TemporaryDirectory& directory);

  // What the template itself makes of the question, `messages` (as JSON) behind it.
  std::string rendered(const std::string& messages, bool open) const;
  std::string asked() const { return rendered({}, true); }
  // What the generation prompt ends with, behind the question.
  std::string opening() const;
  // Template arguments that change that: none, with reasoning, without.
  std::vector<std::string> variants();
  Turn turn() const { return form->turn(kQuestion, options); }

  // Tokens of text in the model's own form behind a prompt in it.
  TokenizedResponse raw(const std::string& prompt, const std::string& text) const;
  TokenizedResponse read(const std::string& text, bool truncated, ResponseReading reading) const;
  // What stands in `after` before the token that ends the turn, and that token. Where none is written behind an answer,
  // all of it but white space, and the one before a question that follows; the token is empty where there is none.
  std::pair<std::string, std::string> written_end(const std::string& after) const;

  TemplateModel model;
  MarkerKind markers;
  TemplateOptions options;        // its arguments: the variant that is looked at
  std::vector<std::string> ends;  // the tokens of the model that end generation
  std::unique_ptr<LlamaEngine> engine;
  std::unique_ptr<PromptForm> form;
  TemplateRendering render;
};

}  // namespace endorm
