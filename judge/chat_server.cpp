#include "judge/chat_server.h"

#include <algorithm>
#include <map>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/content_hash.h"
#include "engine/remote/chat_completions.h"
#include "engine/remote/in_parallel.h"
#include "engine/remote/server_pool.h"

namespace endorm {
namespace {

using nlohmann::json;

constexpr std::size_t kChatReplyTokens = 1024;
constexpr std::size_t kTimeoutRetries = 2;
constexpr std::string_view kEndpoint = "/chat/completions";

std::string without_slashes(std::string url) {
  while (url.ends_with('/')) {
    url.pop_back();
  }
  return url;
}

// Addresses and the path behind them. Of several addresses, all have the first one's path.
struct Addresses {
  std::vector<std::string> urls;
  std::string path = "/v1" + std::string(kEndpoint);
};

Addresses addresses_of(const std::string& given) {
  Addresses found;
  for (std::size_t begin = 0; begin <= given.size();) {
    const std::size_t end = std::min(given.find(',', begin), given.size());
    std::string url = without_slashes(given.substr(begin, end - begin));
    if (url.ends_with(kEndpoint)) {
      url = without_slashes(url.substr(0, url.size() - kEndpoint.size()));
      found.path = (url.ends_with("/v1") ? "/v1" : "") + std::string(kEndpoint);
    }
    found.urls.push_back(std::move(url));
    begin = end + 1;
  }
  return found;
}

// An error's text without the function that it begins with.
std::string fact_of(const std::string& text) {
  const std::size_t end = text.starts_with('[') ? text.find("] ") : std::string::npos;
  return end == std::string::npos ? text : text.substr(end + 2);
}

ServerPoolOptions pool_of(std::string_view judge, const ChatServerOptions& options) {
  const std::string place = "[" + std::string(judge) + "] ";
  if (options.url.empty()) {
    throw InvalidInput(place + "which server is to be asked? Give its address with --judge-url URL");
  }
  if (options.model.empty()) {
    throw InvalidInput(place +
                       "which model is to be asked? Give its name, as the server has it, with --judge-model NAME");
  }
  if (options.input_price.has_value() != options.output_price.has_value()) {
    throw InvalidInput(place + "the cost needs both prices: --judge-input-price and --judge-output-price");
  }
  ServerPoolOptions pool;
  pool.urls = addresses_of(options.url).urls;
  for (const std::string& url : pool.urls) {
    try {
      RemoteHttpOptions http;
      http.url = url;
      const RemoteHttp has_this_form(http);
    } catch (const InvalidInput& error) {
      throw InvalidInput(place + fact_of(error.what()));
    }
  }
  pool.api_key = options.api_key;
  pool.reply_timeout = std::chrono::milliseconds(static_cast<std::int64_t>(1000.0 * options.timeout_seconds));
  pool.tries = options.tries;
  pool.timeout_retries = kTimeoutRetries;
  pool.backoff = options.backoff;
  return pool;
}

// A reply as the cache has it.
std::string kept_form(const ChatReply& reply) {
  return json{{"text", reply.text},
              {"finish", reply.finish},
              {"model", reply.model},
              {"has_usage", reply.has_usage},
              {"prompt_tokens", reply.prompt_tokens},
              {"completion_tokens", reply.completion_tokens}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

ChatReply reply_of(const std::string& kept) {
  const json object = json::parse(kept);
  return {object.at("text").get<std::string>(),          object.at("finish").get<std::string>(),
          object.at("model").get<std::string>(),         object.at("has_usage").get<bool>(),
          object.at("prompt_tokens").get<std::size_t>(), object.at("completion_tokens").get<std::size_t>()};
}

}  // namespace

ChatServer::ChatServer(std::string_view judge, const ChatServerOptions& options, std::size_t reply_tokens,
                       StatsCache& cache)
    : judge_(judge),
      options_(options),
      reply_tokens_(reply_tokens),
      path_(addresses_of(options.url).path),
      servers_(pool_of(judge, options)),
      cache_(cache) {}

std::string ChatServer::fingerprint() const {
  return " temperature=" + json(options_.temperature).dump() + " model=" + options_.model + " at " + options_.url;
}

std::optional<AskingAccount> ChatServer::account() const {
  const std::lock_guard lock(mutex_);
  AskingAccount account = account_;
  if (options_.input_price && options_.output_price) {
    constexpr double kMillion = 1e6;
    account.cost = (static_cast<double>(account.tokens_read) * *options_.input_price +
                    static_cast<double>(account.tokens_written) * *options_.output_price) /
                   kMillion;
  }
  return account;
}

std::string ChatServer::body_of(const Question& question, double temperature, bool names_completion_tokens) const {
  constexpr std::uint64_t kSeeds = std::uint64_t{1} << 31U;
  ChatRequest request{.model = options_.model, .messages = question.messages};
  request.max_tokens = reply_tokens_;
  request.temperature = temperature;
  if (temperature > 0.0) {
    request.seed = static_cast<std::uint32_t>(question.seed % kSeeds);
  }
  request.names_completion_tokens = names_completion_tokens;
  return chat_body(request);
}

Digest ChatServer::key_of(const Question& question, double temperature) const {
  Sha256 hash;
  hash.update("endorm chat reply 1\n" + options_.url + "\n");
  hash.update(body_of(question, temperature, false));
  return hash.finish();
}

bool ChatServer::take_kept(const Digest& key, Reply& reply) {
  const std::optional<std::string> kept = cache_.find_text(key);
  if (kept) {
    reply.text = reply_of(*kept).text;
    ++account_.from_cache;
  }
  return kept.has_value();
}

std::vector<Reply> ChatServer::ask(std::span<const Question> questions, double temperature) {
  std::vector<Reply> replies(questions.size());
  std::map<Digest, std::size_t> first_of;                  // of the questions to be asked
  std::vector<std::pair<std::size_t, std::size_t>> asked;  // each, and the earlier one that it repeats or itself
  std::vector<std::pair<std::size_t, Digest>> unanswered;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const Digest key = key_of(questions[i], temperature);
    if (take_kept(key, replies[i])) {
      continue;
    }
    const auto [first, is_new] = first_of.emplace(key, i);
    asked.emplace_back(i, first->second);
    if (is_new) {
      unanswered.emplace_back(i, key);
    }
  }
  account_.questions += questions.size();
  if (!unanswered.empty()) {
    require_server();
  }
  in_parallel(unanswered.size(), options_.requests, [&](std::size_t part, std::size_t) {
    const auto& [place, key] = unanswered[part];
    answer(questions[place], temperature, key, replies[place]);
  });
  for (const auto& [place, first] : asked) {
    if (place != first) {
      replies[place] = replies[first];
      account_.from_cache += replies[place].error.empty() ? 1 : 0;
    }
  }
  return replies;
}

// A server that is not there, or does not let us in, is told before anything is tried again and again.
void ChatServer::require_server() {
  if (is_there_ || servers_.servers() > 1) {
    return;
  }
  RemoteHttpOptions http;
  http.url = addresses_of(options_.url).urls.front();
  http.api_key = options_.api_key;
  http.retries = 1;
  http.backoff = options_.backoff;
  try {
    RemoteHttp(http).get(path_.substr(0, path_.size() - kEndpoint.size()) + "/models");
  } catch (const ServerRefused& refused) {
    if (refused.status == 401) {
      refuse(refused);
    }
  } catch (const ServerUnusable& absent) {
    throw EngineError("[" + judge_ + "] " + fact_of(absent.what()) + " The address is that of --judge-url.");
  } catch (const Error&) {  // it is there; what else is wrong, the questions will tell
  }
  is_there_ = true;
}

void ChatServer::answer(const Question& question, double temperature, const Digest& key, Reply& reply) {
  ChatReply found;
  try {
    found = parse_chat_reply(post(question, temperature));
  } catch (const InternalError&) {
    throw;
  } catch (const ServerRefused& refused) {
    refuse(refused);
  } catch (const ServerUnusable& gone) {
    throw EngineError("[" + judge_ + "] " + fact_of(gone.what()));
  } catch (const InvalidInput& error) {
    failed(fact_of(error.what()), true, reply);
    return;
  } catch (const Error& error) {
    failed(fact_of(error.what()), false, reply);
    return;
  }
  reply.text = found.text;
  const std::lock_guard lock(mutex_);
  cache_.keep_text(key, kept_form(found));
  has_answered_ = true;
  failed_in_a_row_ = 0;
  account_.cut += found.finish == "length" ? 1 : 0;
  account_.uncounted += found.has_usage ? 0 : 1;
  account_.tokens_read += found.prompt_tokens;
  account_.tokens_written += found.completion_tokens;
  if (!found.model.empty()) {
    account_.models.insert(found.model);
  }
}

std::string ChatServer::post(const Question& question, double temperature) {
  // What stands before the response is the same for all of a prompt: their questions go to one server.
  const std::string& prompt = question.messages.back().content;
  const std::string_view key = std::string_view(prompt).substr(0, prompt.size() / 2);
  const bool named = names_completion_tokens_;
  try {
    return servers_.post(path_, body_of(question, temperature, named), key);
  } catch (const InvalidInput& refused) {
    if (named || std::string_view(refused.what()).find("max_completion_tokens") == std::string_view::npos) {
      throw;
    }
  }
  names_completion_tokens_ = true;
  return servers_.post(path_, body_of(question, temperature, true), key);
}

void ChatServer::failed(const std::string& reason, bool by_the_question, Reply& reply) {
  reply.error = "[" + judge_ + "] " + reason;
  const std::lock_guard lock(mutex_);
  // Questions may be refused each for itself, but for a setting that none will pass with.
  failed_in_a_row_ = by_the_question && has_answered_ ? 0 : failed_in_a_row_ + 1;
  if (failed_in_a_row_ >= kGivenUp) {
    throw EngineError("[" + judge_ + "] " + std::to_string(kGivenUp) +
                      " questions in a row got no reply, the last because: " + reason +
                      " What was answered is kept: run the same command again to go on.");
  }
}

void ChatServer::refuse(const ServerRefused& refused) const {
  const std::string server = "[" + judge_ + "] the server at " + options_.url + " ";
  const std::string said = " (status " + std::to_string(refused.status) + ": " + refused.said + "). ";
  switch (refused.status) {
    case 401:
    case 403:
      throw EngineError(server + (options_.api_key.empty() ? "wants a key" : "refuses the key") + said +
                        "Put its key into the environment variable ENDORM_JUDGE_KEY.");
    case 402:
    case 429:
      throw EngineError(server + "has no credit left for this key" + said +
                        "What was answered is kept: fill the account up and run the same command again.");
    default:
      throw EngineError(server + "knows no model \"" + options_.model + "\", or has no " + path_ + said +
                        "Check --judge-model and --judge-url.");
  }
}

std::unique_ptr<Respondent> chat_server(const JudgeParts& parts, std::string_view judge) {
  return std::make_unique<ChatServer>(judge, parts.chat_server, parts.max_reply_tokens.value_or(kChatReplyTokens),
                                      parts.cache);
}

}  // namespace endorm
