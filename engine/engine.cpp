#include "engine/engine.h"

namespace endorm {

TokenizedResponse Engine::tokenize_ids(const Tokens& prompt, const Tokens& response) const {
  TokenizedResponse result;
  result.prompt = prompt;
  result.response = response;
  result.context = ResponseContext::kTokens;
  for (const Token token : response) {
    result.byte_offsets.push_back(result.text.size());
    result.text += token_bytes(token);
  }
  return result;
}

}  // namespace endorm
