// Every protocol's reader on arbitrary bytes: requests that the queue can take, or InvalidInput with a message in valid
// UTF-8. Nothing else may be thrown: a client would be told of a defect.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "app/server/protocol.h"
#include "app/server/teacher_protocols.h"
#include "core/errors.h"
#include "score/json_check.h"
#include "tests/fuzz/promises.h"

namespace {

void check(const endorm::Asked& asked) {
  require(asked.reply || asked.line);
  for (const endorm::Request& request : asked.requests) {
    require(request.messages.empty() == request.prompt_ids.has_value() && !request.responses.empty());
    require(!request.prompt_ids || !request.prompt_ids->empty());
    require(!request.raw || request.messages.size() == 1);
    for (const endorm::Message& message : request.messages) {
      require(valid_utf8(message.content));
    }
    for (const endorm::RequestResponse& response : request.responses) {
      require(valid_utf8(response.text.text));
    }
  }
}

template <typename Read>
void attempt(const Read& read) {
  try {
    read();
  } catch (const endorm::InvalidInput& error) {
    require(valid_utf8(error.what()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace endorm;
  const std::string text(reinterpret_cast<const char*>(data), size);
  ProtocolContext context;
  context.model = "model";
  TurnMarks marks;
  marks.opening = "<|a|>";
  marks.others = {"<|u|>"};
  marks.opening_ids = {1, 2};
  marks.other_ids = {{3}};
  marks.specials = {"<|a|>", "<|u|>", "<|e|>"};
  marks.fillers = {"<|e|>"};
  context.marks = std::make_shared<const TurnMarks>(marks);
  Json body;
  attempt([&] {
    check_json(text);
    body = Json::parse(text);
  });
  if (!body.is_object()) {
    return 0;
  }
  for (const ProtocolRoute& route : protocol_routes()) {
    attempt([&] { check(route.read(body, context)); });
  }
  for (const CompletionsRoute& route : completions_routes()) {
    attempt([&] { require(!route.read(body, context).prompts.empty()); });
  }
  return 0;
}
