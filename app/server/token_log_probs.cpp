#include "app/server/token_log_probs.h"

#include <algorithm>
#include <array>

#include "core/utf8.h"

namespace endorm {
namespace {

bool is_whole(std::string_view bytes) { return valid_utf8(bytes) == bytes; }

Json number_or_null(const std::optional<double>& number) { return number ? Json(*number) : Json(); }

// The likeliest `most`, and the token itself behind them where it is none of them.
std::vector<const ToldToken*> shown(const ToldToken& token, std::size_t most) {
  std::vector<const ToldToken*> list;
  bool itself = false;
  for (std::size_t i = 0; i < std::min(most, token.likeliest.size()); ++i) {
    list.push_back(&token.likeliest[i]);
    itself = itself || token.likeliest[i].id == token.id;
  }
  if (!itself) {
    list.push_back(&token);
  }
  return list;
}

// The token itself, and behind it the likeliest `most`, without it.
std::vector<const ToldToken*> itself_first(const ToldToken& token, std::size_t most) {
  std::vector<const ToldToken*> list = {&token};
  for (const ToldToken* each : shown(token, most)) {
    if (each->id != token.id) {
      list.push_back(each);
    }
  }
  return list;
}

// From 1; of a token that is not among the likeliest the first that it can have.
std::ptrdiff_t rank_of(const ToldToken& token, Token id) {
  const auto found = std::find_if(token.likeliest.begin(), token.likeliest.end(),
                                  [&](const ToldToken& likely) { return likely.id == id; });
  return found - token.likeliest.begin() + 1;
}

Json content_entry(const ToldToken& token) {
  Json bytes = Json::array();
  for (const char byte : token.bytes) {
    bytes.push_back(static_cast<unsigned char>(byte));
  }
  return {{"id", token.id},
          {"token", valid_utf8(token.bytes)},
          {"bytes", std::move(bytes)},
          {"logprob", number_or_null(token.log_prob)}};
}

}  // namespace

ToldToken told_token(const Engine& engine, Token token, const TokenStats& stats, double alpha) {
  const auto log_prob = [&](double logit) { return logit / alpha - stats.log_sum_exp; };
  ToldToken told{token, engine.token_bytes(token), log_prob(stats.logit), {}};
  const auto add = [&](const LargestLogit& largest) {
    const auto id = static_cast<Token>(largest.place);
    told.likeliest.push_back({id, engine.token_bytes(id), log_prob(largest.logit), {}});
  };
  if (stats.likeliest.empty() && stats.largest) {
    add(*stats.largest);
  }
  std::for_each(stats.likeliest.begin(), stats.likeliest.end(), add);
  return told;
}

std::string token_key(const std::string& bytes) {
  if (is_whole(bytes)) {
    return bytes;
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string key = "bytes:";
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    key += {'\\', 'x', kDigits[value >> 4U], kDigits[value & 15U]};
  }
  return key;
}

Json top_log_probs(const ToldToken& token, std::size_t most) {
  if (!token.log_prob) {
    return nullptr;
  }
  Json top = Json::object();
  top[token_key(token.bytes)] = *token.log_prob;
  for (const ToldToken* each : shown(token, most)) {
    if (each->id != token.id) {
      const std::string key = token_key(each->bytes);
      top[top.contains(key) ? "token_id:" + std::to_string(each->id) : key] = number_or_null(each->log_prob);
    }
  }
  return top;
}

Json content_log_probs(std::span<const ToldToken> tokens, std::size_t most) {
  Json content = Json::array();
  for (const ToldToken& token : tokens) {
    Json& entry = content.emplace_back(content_entry(token));
    Json& top = entry["top_logprobs"] = Json::array();
    if (token.log_prob && most > 0) {
      for (const ToldToken* each : shown(token, most)) {
        top.push_back(content_entry(*each));
      }
    }
  }
  return content;
}

Json prompt_log_probs(std::span<const ToldToken> tokens, std::size_t most) {
  Json list = Json::array();
  for (const ToldToken& token : tokens) {
    if (!token.log_prob) {
      list.push_back(nullptr);
      continue;
    }
    Json& place = list.emplace_back(Json::object());
    for (const ToldToken* each : itself_first(token, most)) {
      place[std::to_string(each->id)] = {{"logprob", number_or_null(each->log_prob)},
                                         {"rank", rank_of(token, each->id)},
                                         {"decoded_token", valid_utf8(each->bytes)}};
    }
  }
  return list;
}

Json id_log_probs(std::span<const ToldToken> tokens, std::size_t most) {
  Json content = Json::array();
  for (const ToldToken& token : tokens) {
    const auto entry = [&](const ToldToken& each) {
      return Json{{"token_id", each.id},
                  {"token", "token_id:" + std::to_string(each.id)},
                  {"logprob", number_or_null(each.log_prob)},
                  {"rank", rank_of(token, each.id)}};
    };
    Json& told = content.emplace_back(entry(token));
    Json& top = told["top_logprobs"] = Json::array();
    for (const ToldToken* each : itself_first(token, most)) {
      top.push_back(entry(*each));
    }
  }
  return content;
}

}  // namespace endorm
