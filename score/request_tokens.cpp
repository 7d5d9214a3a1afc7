#include "score/request_tokens.h"

#include <map>
#include <string>
#include <utility>

#include "core/errors.h"

namespace endorm {
namespace {

// The responses that have tokens, by their place; the outcomes of the others say why they have none.
std::map<std::size_t, TokenizedResponse> tokenize(const Engine& engine, const Request& request,
                                                  const TemplateOptions& text, std::span<ScoredOutcome> outcomes) {
  std::vector<ResponseText> texts;
  for (const RequestResponse& response : request.responses) {
    texts.push_back(response.text);
  }
  std::map<std::size_t, TokenizedResponse> tokenized;
  const auto tokenize_some = [&](std::size_t begin, std::size_t count) {
    std::vector<TokenizedResponse> some =
        request.raw
            ? engine.tokenize_raw(request.messages.front().content, std::span(texts).subspan(begin, count), text)
            : engine.tokenize(request.messages, std::span(texts).subspan(begin, count), text);
    for (std::size_t i = 0; i < some.size(); ++i) {
      tokenized[begin + i] = std::move(some[i]);
    }
  };
  try {
    tokenize_some(0, texts.size());
  } catch (const InvalidInput&) {
    // One response that cannot be tokenized must not cost the others theirs.
    for (std::size_t i = 0; i < texts.size(); ++i) {
      try {
        tokenize_some(i, 1);
      } catch (const InvalidInput& error) {
        outcomes[i].error = error.what();
      }
    }
  }
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto found = tokenized.find(i);
    if (texts[i].text.empty() || (found != tokenized.end() && found->second.response.empty())) {
      outcomes[i].error = "[score] the response is empty: there is no token to score";
      tokenized.erase(i);
    }
  }
  return tokenized;
}

// False where the response cannot be scored; the outcome then says why.
bool fit_context(PreparedResponse& prepared, std::size_t context, Overflow overflow, ScoredOutcome& outcome) {
  Tokens& prompt = prepared.tokens.prompt;
  const std::size_t length = prompt.size() + prepared.tokens.response.size();
  if (context == 0 || length <= context) {
    return true;
  }
  const std::string fact =
      "prompt and response have " + std::to_string(length) + " tokens, the context holds " + std::to_string(context);
  if (overflow == Overflow::kSkip) {
    outcome.error = "[score] skipped: " + fact;
    outcome.skipped = true;
    return false;
  }
  const std::size_t excess = length - context;
  // What is kept of the prompt: its first token (BOS, where there is one) and as much of its end as fits.
  if (overflow == Overflow::kTruncateLeft && excess + 1 < prompt.size()) {
    prompt.erase(prompt.begin() + 1, prompt.begin() + 1 + static_cast<std::ptrdiff_t>(excess));
    prepared.truncated_left = excess;
    return true;
  }
  outcome.error =
      "[score] " + fact +
      (overflow == Overflow::kTruncateLeft ? ": the response alone does not fit"
                                           : ". Use a larger --context, or --on-overflow truncate-left or skip");
  return false;
}

}  // namespace

std::string_view overflow_name(Overflow overflow) {
  switch (overflow) {
    case Overflow::kError:
      return "error";
    case Overflow::kTruncateLeft:
      return "truncate-left";
    case Overflow::kSkip:
      return "skip";
  }
  throw InternalError("[overflow_name] " + std::to_string(static_cast<int>(overflow)) + " is no kind of overflow");
}

Overflow overflow_from_name(std::string_view name) {
  for (const Overflow overflow : {Overflow::kError, Overflow::kTruncateLeft, Overflow::kSkip}) {
    if (name == overflow_name(overflow)) {
      return overflow;
    }
  }
  throw InvalidInput("[overflow_from_name] \"" + std::string(name) + "\" is none of error, truncate-left and skip");
}

PreparedRequest prepare_request(const Engine& engine, const Request& request, const TemplateOptions& text,
                                Overflow overflow, std::span<ScoredOutcome> outcomes) {
  PreparedRequest result;
  for (auto& [i, tokens] : tokenize(engine, request, text, outcomes)) {
    PreparedResponse prepared{i, std::move(tokens), 0};
    result.tokens_asked += prepared.tokens.prompt.size() + prepared.tokens.response.size();
    if (fit_context(prepared, engine.capabilities().context, overflow, outcomes[i])) {
      result.responses.push_back(std::move(prepared));
    }
  }
  return result;
}

}  // namespace endorm
