#include <algorithm>

#include "app/server/completions.h"
#include "core/utf8.h"

namespace endorm {

Json CompletionsCall::log_probs_of(const CompletionChoice& choice) const {
  const std::size_t most = std::max<std::size_t>(*request_.log_probs, 1);
  Json tokens = Json::array();
  Json log_probs = Json::array();
  Json top = Json::array();
  Json offsets = Json::array();
  const auto tell = [&](const ToldToken& token, std::size_t offset) {
    tokens.push_back(token_key(token.bytes));
    log_probs.push_back(token.log_prob ? Json(*token.log_prob) : Json());
    top.push_back(top_log_probs(token, most));
    offsets.push_back(offset);
  };
  // Offsets are in characters, as Python counts them.
  const std::string_view prompt = choice.prompt.text;
  for (std::size_t i = 0; i < choice.echoed.size(); ++i) {
    tell(choice.echoed[i], code_points(prompt.substr(0, choice.prompt.byte_offsets[i])));
  }
  std::size_t offset = request_.echo ? code_points(prompt) : 0;
  const std::span<const ToldToken> drawn = std::span(choice.drawn).first(choice.text_tokens);
  for (const ToldToken& token : drawn) {
    tell(token, offset);
    offset += code_points(token.bytes);
  }
  Json shown = {{"tokens", std::move(tokens)},
                {"token_logprobs", std::move(log_probs)},
                {"top_logprobs", std::move(top)},
                {"text_offset", std::move(offsets)}};
  if (!request_.echo) {  // llama-server, whose clients read it, has no echo
    shown["content"] = content_log_probs(drawn, most);
  }
  return shown;
}

Json CompletionsCall::reply() const {
  if (request_.reply) {
    return request_.reply(choices_, context_);
  }
  Json choices = Json::array();
  std::size_t read = 0;
  std::size_t written = 0;
  for (const CompletionChoice& choice : choices_) {
    read += choice.prompt.tokens.size();
    written += choice.drawn.size();
    choices.push_back({{"index", choices.size()},
                       {"text", valid_utf8((request_.echo ? choice.prompt.text : "") + choice.text)},
                       {"logprobs", request_.log_probs ? log_probs_of(choice) : Json()},
                       {"finish_reason", choice.finish}});
    if (request_.prompt_log_probs) {
      choices.back()["prompt_logprobs"] = prompt_log_probs(choice.read, *request_.prompt_log_probs);
    }
  }
  return {{"id", "cmpl-" + context_.id},
          {"object", "text_completion"},
          {"created", context_.created},
          {"model", context_.model},
          {"choices", std::move(choices)},
          {"usage", {{"prompt_tokens", read}, {"completion_tokens", written}, {"total_tokens", read + written}}}};
}

}  // namespace endorm
