#include "tests/engine/shipped_templates.h"

#include <fstream>
#include <iterator>

#include <doctest/doctest.h>

#include "tests/engine/python_json.h"
#include "tests/paths.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file, path << " cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

const Json& template_golden() {
  static const Json read = Json::parse(file_text(source_path("tests/golden/chat_templates.json")));
  return read;
}

std::unique_ptr<PromptForm> shipped_form(const std::string& name) {
  const Json& golden = template_golden();
  const Json& sources = golden.at("sources");
  return make_jinja_form(sources.contains(name) ? sources.at(name).get<std::string>()
                                                : file_text(llama_path("models/templates/" + name + ".jinja")),
                         golden.at("bos"), golden.at("eos"));
}

Message golden_message(Json message, bool arguments_as_text) {
  Message read{message.at("role"), message.at("content").is_string() ? message.at("content") : Json(""), ""};
  if (message.at("content").is_string()) {
    message.erase("content");
  }
  message.erase("role");
  if (arguments_as_text && message.contains("tool_calls")) {
    for (Json& call : message.at("tool_calls")) {
      call["function"]["arguments"] = python_json(call["function"]["arguments"]);
    }
  }
  read.fields = message.empty() ? std::string() : message.dump();
  return read;
}

std::vector<Message> golden_messages(const std::string& title, bool arguments_as_text) {
  std::vector<Message> messages;
  for (const Json& message : template_golden().at("cases").at(title).at("messages")) {
    messages.push_back(golden_message(message, arguments_as_text));
  }
  return messages;
}

}  // namespace endorm
