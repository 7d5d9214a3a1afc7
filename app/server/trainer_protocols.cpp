#include "app/server/trainer_protocols.h"

#include <array>
#include <cmath>

#include "app/server/request_fields.h"
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

// Whether there is no image: LightRFT sends a list a query, empty or null where that has none.
bool has_no_images(const Json& images) {
  return images.is_array() && std::all_of(images.begin(), images.end(), [](const Json& of_query) {
           return of_query.is_null() || (of_query.is_array() && of_query.empty());
         });
}

constexpr std::array<std::string_view, 8> kRewardFields = {"query",  "queries",    "prompts",  "responses",
                                                           "labels", "references", "turn_cut", "metas"};
constexpr std::array<UnsupportedField, 1> kRewardUnsupported = {
    {{"images", has_no_images, "Images are not read: send texts alone."}}};

// Texts that stand beside others in the same order.
std::vector<std::string> texts_beside(const Json& body, const char* name, const char* others, std::size_t count) {
  std::vector<std::string> texts = texts_field(body, name);
  if (texts.size() != count) {
    throw InvalidInput("\"" + std::string(name) + "\" has " + std::to_string(texts.size()) + " texts and \"" + others +
                       "\" " + std::to_string(count) + ". Give as many.");
  }
  return texts;
}

// Queries of prompt and response in the model's own form: OpenRLHF's "query", LightRFT's "queries".
std::vector<Request> query_requests(const Json& body, const ProtocolContext& context) {
  const char* name = optional_field(body, "queries") ? "queries" : "query";
  if (optional_field(body, "queries") && optional_field(body, "query")) {
    throw InvalidInput("\"query\" stands beside \"queries\". Keep one of them.");
  }
  const std::vector<std::string> queries = texts_field(body, name);
  std::vector<std::string> prompts;
  if (optional_field(body, "prompts")) {
    prompts = texts_beside(body, "prompts", name, queries.size());
  }
  std::vector<Request> requests;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    requests.push_back(row_request(
        [&] { return query_request(queries[i], prompts.empty() ? nullptr : &prompts[i], context, element(name, i)); }));
  }
  return requests;
}

// align-anything's: prompts and responses as people wrote them.
std::vector<Request> plain_requests(const Json& body) {
  std::vector<std::string> prompts = texts_field(body, "prompts");
  std::vector<std::string> responses = texts_beside(body, "responses", "prompts", prompts.size());
  std::vector<Request> requests;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    requests.push_back(pair_request(std::move(prompts[i]), std::move(responses[i]), /*raw=*/false));
  }
  return requests;
}

// Adds "errors" where rows have no reward.
void tell_errors(std::span<const RowReward> rows, Json& reply) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].error.empty()) {
      tell_error(rows[i], reply["errors"].emplace_back(Json{{"index", i}}));
    }
  }
}

// {"rewards", "scores", "extra_logs"}; rows without a reward are counted where a number stands for them, for a run's
// curves do not show it, and told where null does.
Json rewards_reply(std::span<const Scored> scored, const ProtocolContext& context) {
  const std::vector<RowReward> rows = row_rewards(scored, context);
  Json rewards = Json::array();
  Json log_probs = Json::array();
  Json tokens = Json::array();
  Json unscored = Json::array();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::optional<ScoredResponse>& response = scored[i].responses.front().scored;
    const bool bad = !rows[i].error.empty();
    rewards.push_back(number_or_null(rows[i]));
    log_probs.push_back(bad ? number_or_null(rows[i]) : Json(response->log_prob.value_or(0.0)));
    tokens.push_back(bad ? 0.0 : static_cast<double>(response->token_ids.size()));
    unscored.push_back(bad ? 1.0 : 0.0);
  }
  Json reply = {{"rewards", rewards},
                {"scores", rewards},
                {"extra_logs", {{"endorm_log_prob", std::move(log_probs)}, {"endorm_tokens", std::move(tokens)}}}};
  if (context.unscored) {
    reply["extra_logs"]["endorm_unscored"] = std::move(unscored);
  }
  tell_errors(rows, reply);
  return reply;
}

}  // namespace

Asked read_get_reward(const Json& body, const ProtocolContext& context) {
  check_fields(body, context, kRewardFields, kRewardUnsupported);
  const bool plain =
      !optional_field(body, "query") && !optional_field(body, "queries") && optional_field(body, "responses");
  Asked asked{
      plain ? plain_requests(body) : query_requests(body, with_turn_cut(context, body)), context.options, {}, {}};
  asked.reply = [context](std::span<const Scored> scored) { return rewards_reply(scored, context); };
  return asked;
}

Asked read_remote_rm(const Json& body, const ProtocolContext& context) {
  constexpr std::array<std::string_view, 5> kFields = {"prompt", "response", "label", "tools", "chat_template_kwargs"};
  check_fields(body, context, kFields, {});
  const Json& prompt = field(body, "prompt");
  std::string response = text_field(body, "response");
  Asked asked{{}, context.options, {}, {}};
  if (prompt.is_string()) {
    asked.requests.push_back(
        row_request([&] { return raw_request(prompt.get<std::string>(), std::move(response), context, "prompt"); }));
  } else {
    asked.requests.push_back(record_request({{"prompt", prompt}, {"response", std::move(response)}}, body));
  }
  asked.reply = [context](std::span<const Scored> scored) {
    return number_or_null(row_rewards(scored, context).front());
  };
  return asked;
}

Asked read_score_evaluation(const Json& body, const ProtocolContext& context) {
  constexpr std::array<std::string_view, 2> kFields = {"messages", "turn_cut"};
  check_fields(body, context, kFields, {});
  const ProtocolContext chosen = with_turn_cut(context, body);
  const std::vector<std::string> texts = texts_field(body, "messages");
  if (chosen.marks->opening.empty()) {  // no text can be cut: the server's setting is at fault, not a row
    templated_request(texts.front(), chosen, element("messages", 0));
  }
  Asked asked{{}, context.options, {}, {}};
  for (const std::string& text : texts) {
    asked.requests.push_back(
        row_request([&] { return templated_request(text, chosen, element("messages", asked.requests.size())); }));
  }
  asked.reply = [context](std::span<const Scored> scored) {
    const std::vector<RowReward> rows = all_row_rewards(scored, context);
    Json scores = Json::array();
    for (const RowReward& row : rows) {
      scores.push_back(row.number.value_or(std::nan("")));
    }
    Json reply = {{"id", "scoreval-" + context.id}, {"object", "score.evaluation"}, {"model", context.model}};
    tell_errors(rows, reply);
    reply["scores"] = std::move(scores);
    return reply;
  };
  asked.nan_as_number = true;
  return asked;
}

}  // namespace endorm
