#include "app/server/trainer_protocols.h"

#include "app/server/response_items.h"
#include "core/errors.h"

namespace endorm {
namespace {

// A query is cut behind its prompt, before which a decoder may have put BOS and paddings: those are not the policy's
// context. Where it does not begin with the prompt (a decoder rewrote white space), the prompt still says how many
// turns of the model it opens; what a response spells behind those moves nothing.
Request query_request(const std::string& query, const std::string* prompt, const ProtocolContext& context,
                      const std::string& name) {
  if (!prompt || prompt->empty()) {
    return templated_request(query, context, name);
  }
  if (const auto before = bytes_before_prompt(query, *prompt, *context.marks)) {
    return raw_request(*prompt, query.substr(*before + prompt->size()), context, name);
  }
  context.note(TextNote::kPromptAbsent);
  if (const auto begin = find_same_opening(query, *prompt, *context.marks)) {
    const std::size_t padding = padding_bytes(query, *context.marks);
    return raw_request(query.substr(padding, *begin - padding), query.substr(*begin), context, name);
  }
  return templated_request(query, context, name);
}

}  // namespace

Asked read_get_reward(const Json& body, const ProtocolContext& context) {
  const ProtocolContext chosen = with_turn_cut(context, body);
  const std::vector<std::string> queries = texts_field(body, "query");
  std::vector<std::string> prompts;
  if (optional_field(body, "prompts")) {
    prompts = texts_field(body, "prompts");
    if (prompts.size() != queries.size()) {
      throw InvalidInput("\"prompts\" has " + std::to_string(prompts.size()) + " texts and \"query\" " +
                         std::to_string(queries.size()) + ". Give as many.");
    }
  }
  Asked asked{{}, context.options, {}, {}};
  for (std::size_t i = 0; i < queries.size(); ++i) {
    asked.requests.push_back(
        query_request(queries[i], prompts.empty() ? nullptr : &prompts[i], chosen, element("query", i)));
  }
  asked.reply = [](std::span<const Scored> scored) {
    const std::vector<double> rewards = only_rewards(scored);
    Json log_probs = Json::array();
    Json tokens = Json::array();
    for (const Scored& one : scored) {
      const ScoredResponse& response = *one.responses.front().scored;
      log_probs.push_back(response.log_prob.value_or(0.0));
      tokens.push_back(static_cast<double>(response.token_ids.size()));
    }
    return Json{{"rewards", rewards},
                {"scores", rewards},
                {"extra_logs", {{"endorm_log_prob", std::move(log_probs)}, {"endorm_tokens", std::move(tokens)}}}};
  };
  return asked;
}

Asked read_remote_rm(const Json& body, const ProtocolContext& context) {
  const Json& prompt = field(body, "prompt");
  std::string response = text_field(body, "response");
  Asked asked{{}, context.options, {}, {}};
  asked.requests.push_back(prompt.is_string()
                               ? raw_request(prompt.get<std::string>(), std::move(response), context, "prompt")
                               : record_request({{"prompt", prompt}, {"response", std::move(response)}}, body));
  asked.reply = [](std::span<const Scored> scored) { return Json(only_reward(scored.front(), 0)); };
  return asked;
}

Asked read_score_evaluation(const Json& body, const ProtocolContext& context) {
  const ProtocolContext chosen = with_turn_cut(context, body);
  Asked asked{{}, context.options, {}, {}};
  for (const std::string& text : texts_field(body, "messages")) {
    asked.requests.push_back(templated_request(text, chosen, element("messages", asked.requests.size())));
  }
  asked.reply = [id = context.id, model = context.model](std::span<const Scored> scored) {
    return Json{
        {"id", "scoreval-" + id}, {"object", "score.evaluation"}, {"model", model}, {"scores", only_rewards(scored)}};
  };
  return asked;
}

Asked read_verify(const Json& body, const ProtocolContext& context) {
  Asked asked{{}, context.options, {}, {}};
  asked.requests.push_back(rollout_request(body));
  asked.reply = [body](std::span<const Scored> scored) {
    Json verified = body;
    verified["reward"] = only_reward(scored.front(), 0);
    return verified;
  };
  return asked;
}

}  // namespace endorm
