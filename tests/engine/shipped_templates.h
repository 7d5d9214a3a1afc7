#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/turns/chat_template.h"

namespace endorm {

// tests/golden/chat_templates.json: see tests/golden/chat_templates.py.
const nlohmann::ordered_json& template_golden();

// A template of llama.cpp's folder, or one of the golden file's own.
std::unique_ptr<PromptForm> shipped_form(const std::string& name);

// A message of the golden file. arguments_as_text: the arguments of tool calls as OpenAI's interface has them.
Message golden_message(nlohmann::ordered_json message, bool arguments_as_text = false);
// The messages of one of its cases.
std::vector<Message> golden_messages(const std::string& title, bool arguments_as_text = false);

}  // namespace endorm
