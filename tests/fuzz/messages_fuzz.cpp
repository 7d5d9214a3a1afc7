// A record's messages (roles, parts, tool calls, tools, arguments of the template) through chat templates:
// InvalidInput, or turns that keep their promises. Whatever is said stays within what was said, and no special token
// that a message spells out is the template's.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/turns/chat_template.h"
#include "score/record.h"
#include "tests/fuzz/promises.h"

// llama.cpp's assertions.
extern "C" [[noreturn]] void ggml_abort(const char*, int, const char*, ...) { std::abort(); }

namespace {

using namespace endorm;

// What inputs spell so is no token of any template, but begins as special tokens do.
constexpr std::array<std::string_view, 3> kSpelled = {"<|zq|>", "[ZQ]", "<zq>"};

// A plain one, one that opens a block, one with channels and tojson, one that joins what was said, one that splits it.
const std::vector<std::unique_ptr<PromptForm>>& forms() {
  static const std::vector<std::unique_ptr<PromptForm>> made = [] {
    std::vector<std::unique_ptr<PromptForm>> result;
    for (const char* name : {"Qwen-Qwen2.5-7B-Instruct", "Qwen3.5-4B", "openai-gpt-oss-120b", "LFM2.5-8B-A1B",
                             "deepseek-ai-DeepSeek-V3.1", "mistralai-Mistral-Nemo-Instruct-2407"}) {
      std::ifstream file(std::string(ENDORM_LLAMA_TEMPLATES "/") + name + ".jinja", std::ios::binary);
      result.push_back(make_jinja_form({std::istreambuf_iterator<char>(file), {}}, "<s>", "</s>"));
      require(!result.back()->source().empty());
    }
    result.push_back(make_plain_form("</s>"));
    return result;
  }();
  return made;
}

void check_parts(std::span<const TextPart> parts) {
  std::string written;
  for (const TextPart& part : parts) {
    written += part.kind == TextPart::Kind::kTemplate ? part.text : "\n";
  }
  for (const std::string_view spelled : kSpelled) {
    require(written.find(spelled) == std::string::npos);
  }
}

void check_placed(const PlacedResponse& placed, const ResponseText& response) {
  check_parts(placed.prompt);
  check_parts(placed.after);
  require(placed.text_offset <= response.text.size());
  const std::string text = joined(placed.response);
  require(placed.text_begin <= text.size());
  if (placed.is_message) {
    check_parts(placed.response);
    require(!text.empty());
  } else {
    require(text.substr(placed.text_begin) == response.text.substr(placed.text_offset));
  }
}

void check_request(const PromptForm& form, const Request& request, const TemplateOptions& options) {
  const std::vector<TextPart> open = form.open_turn(request.messages, options);
  check_parts(open);
  const Turn turn = form.turn(request.messages, options);
  require(joined(turn.prompt) == joined(open));
  check_parts(turn.prompt);
  check_parts(turn.after);
  for (const RequestResponse& response : request.responses) {
    for (const ResponseReading reading :
         {ResponseReading::kAuto, ResponseReading::kAsDrawn, ResponseReading::kAnswer}) {
      const PlacedResponse placed = place_response(turn, response.text, reading);
      check_placed(placed, response.text);
      require(reading != ResponseReading::kAsDrawn || joined(placed.prompt) == joined(open));
    }
    if (!response.text.fields.empty()) {
      check_placed(form.place_message(request.messages, response.text, options), response.text);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> unknown;
  Request request;
  try {
    request = parse_request(line, 1, "\n", unknown);
  } catch (const InvalidInput&) {
    return 0;
  }
  if (request.messages.empty()) {
    return 0;
  }
  TemplateOptions options;
  options.arguments = request.template_arguments;
  for (const auto& form : forms()) {
    try {
      check_request(*form, request, options);
    } catch (const InvalidInput& error) {
      require(valid_utf8(error.what()));
    }
  }
  return 0;
}
