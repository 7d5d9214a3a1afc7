// Every parser of a server's reply on arbitrary bytes: a result, or EngineError.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/errors.h"
#include "engine/remote/chat_completions.h"
#include "engine/remote/remote_replies.h"

namespace {

template <typename Parse>
void attempt(const Parse& parse) {
  try {
    parse();
  } catch (const endorm::EngineError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace endorm;
  const std::string_view reply(reinterpret_cast<const char*>(data), size);
  const std::vector<Token> tokens{1, 5, 7};
  attempt([&] { parse_models(reply, ""); });
  attempt([&] { parse_tokenize(reply); });
  for (const RemoteDialect dialect : {RemoteDialect::kVllm, RemoteDialect::kSglang}) {
    attempt([&] { parse_detokenize(dialect, reply, 1); });
    attempt([&] { parse_log_probs(dialect, reply, tokens, 1); });
  }
  attempt([&] { parse_chat_reply(reply); });
  server_message(reply);
  return 0;
}
