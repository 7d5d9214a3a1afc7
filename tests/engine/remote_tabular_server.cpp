#include "tests/engine/remote_tabular_server.h"

#include <array>
#include <map>
#include <mutex>
#include <random>
#include <stdexcept>
#include <thread>
#include <utility>

#include <cpp-httplib/httplib.h>
#include <nlohmann/json.hpp>

namespace endorm {
namespace {

using nlohmann::json;

// Bytes of each token, and how a byte-level vocabulary spells them.
struct Entry {
  const char* bytes;
  const char* spelling;
};
constexpr std::array<Entry, RemoteTabularServer::kVocabulary> kEntries = {{
    {"<|bos|>", "<|bos|>"},
    {"<|user|>", "<|user|>"},
    {"<|assistant|>", "<|assistant|>"},
    {"<|end|>", "<|end|>"},
    {"\n", "\xC4\x8A"},
    {"a", "a"},
    {"b", "b"},
    {" a",
     "\xC4\xA0"
     "a"},
    {" b",
     "\xC4\xA0"
     "b"},
    {"ab", "ab"},
    {" ", "\xC4\xA0"},
    {"\xC3", "\xC3\x83"},  // the two bytes of U+00E9
    {"\xA9", "\xC2\xA9"},
    {"c", "c"},
    {"<|system|>", "<|system|>"},
    {"\n\n", "\xC4\x8A\xC4\x8A"},
}};

std::vector<double> logits_of(std::span<const Token> path) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const Token token : path) {
    hash = (hash ^ static_cast<std::uint64_t>(token + 1)) * 0x100000001b3ULL;
  }
  std::mt19937_64 random(hash);
  std::vector<double> row(RemoteTabularServer::kVocabulary);
  for (double& logit : row) {
    logit = std::normal_distribution<double>(0.0, 4.0)(random);
  }
  return row;
}

// UTF-8 with every byte that is part of no whole character replaced, as the servers' decoders do.
std::string decoded(const Tokens& tokens) {
  std::string bytes;
  for (const Token token : tokens) {
    bytes += RemoteTabularServer::bytes(token);
  }
  const json text = bytes;
  return json::parse(text.dump(-1, ' ', false, json::error_handler_t::replace)).get<std::string>();
}

std::string rendered(const json& messages, bool open_assistant) {
  std::string text = "<|bos|>";
  for (const json& message : messages) {
    text +=
        "<|" + message.at("role").get<std::string>() + "|>" + message.at("content").get<std::string>() + "<|end|>\n";
  }
  return open_assistant ? text + "<|assistant|>" : text;
}

}  // namespace

struct RemoteTabularServer::State {
  explicit State(RemoteDialect spoken) : dialect(spoken), engine(kVocabulary, logits_of) {}

  void serve(const std::string& path, json (State::*reply)(const json&)) {
    server.Post(path, [this, path, reply](const httplib::Request& request, httplib::Response& response) {
      answer(request, response, path, [&] { return (this->*reply)(json::parse(request.body)); });
    });
  }

  void answer(const httplib::Request& request, httplib::Response& response, const std::string& path,
              const std::function<json()>& reply) {
    const std::lock_guard<std::mutex> lock(mutex);
    ++asked[path];
    Answer answer;
    if (!key.empty() && request.get_header_value("Authorization") != "Bearer " + key) {
      answer = {401, R"({"error": "Unauthorized"})"};
    } else {
      try {
        answer.body = reply().dump();
      } catch (const std::exception& error) {
        answer = {400, json{{"error", {{"message", error.what()}, {"code", 400}}}}.dump()};
      }
    }
    if (meddle) {
      meddle(path, answer);
    }
    response.status = answer.status;
    if (!answer.retry_after.empty()) {
      response.set_header("Retry-After", answer.retry_after);
    }
    response.set_content(answer.body, "application/json");
  }

  json models() {
    return {{"object", "list"},
            {"data", {{{"id", "tabular"}, {"object", "model"}, {"root", "/models/t"}, {"max_model_len", kContext}}}}};
  }

  json token_list(const std::string& text) {
    const Tokens tokens = encode(text);
    json reply = {{"count", tokens.size()}, {"max_model_len", kContext}, {"tokens", tokens}};
    if (dialect == RemoteDialect::kVllm) {
      json spellings = json::array();
      for (const Token token : tokens) {
        spellings.push_back(kEntries.at(static_cast<std::size_t>(token)).spelling);
      }
      reply["token_strs"] = spellings;
    }
    return reply;
  }

  json vllm_tokenize(const json& body) {
    return token_list(body.contains("prompt") ? body.at("prompt").get<std::string>()
                                              : rendered(body.at("messages"), body.at("add_generation_prompt")));
  }

  json sglang_tokenize(const json& body) {
    if (body.contains("prompt")) {
      return token_list(body.at("prompt").get<std::string>());
    }
    json messages = body.at("messages");
    if (body.contains("add_generation_prompt") && !older_sglang) {
      return token_list(rendered(messages, body.at("add_generation_prompt")));
    }
    std::string prefix;
    if (body.value("continue_final_message", false)) {
      prefix = messages.back().at("content").get<std::string>();
      messages.erase(messages.size() - 1);
    } else if (messages.back().at("role") == "assistant") {
      messages.back()["role"] = "user";
    }
    json reply = token_list(rendered(messages, true));
    for (const Token token : encode(prefix)) {
      reply["tokens"].push_back(token);
    }
    return reply;
  }

  json vllm_detokenize(const json& body) { return {{"prompt", decoded(body.at("tokens").get<Tokens>())}}; }

  json sglang_detokenize(const json& body) {
    json texts = json::array();
    for (const json& tokens : body.at("tokens")) {
      texts.push_back(decoded(tokens.get<Tokens>()));
    }
    return {{"text", texts}};
  }

  // log pi of tokens[1 ..] of a whole sequence.
  std::vector<double> log_probs(const Tokens& tokens) {
    if (tokens.size() + 1 > kContext) {
      throw std::runtime_error("the sequence is longer than the model's context");
    }
    TokenTree tree;
    tree.insert(std::span(tokens).first(1), std::span(tokens).subspan(1));
    std::vector<double> values;
    const std::vector<TokenStats> all = engine.evaluate(tree, {}).front();
    for (const TokenStats& stats : all) {
      values.push_back(stats.logit - stats.log_sum_exp);
    }
    return values;
  }

  json vllm_completions(const json& body) {
    if (body.at("max_tokens") < 1) {
      throw std::runtime_error("max_tokens must be at least 1, got 0.");
    }
    const Tokens tokens = body.at("prompt").get<Tokens>();
    const std::vector<double> values = log_probs(tokens);
    json positions = json::array({nullptr});
    for (std::size_t at = 1; at < tokens.size(); ++at) {
      positions.push_back({{std::to_string(tokens[at]),
                            {{"logprob", values[at - 1]}, {"rank", 3}, {"decoded_token", decoded({tokens[at]})}}}});
    }
    return {{"id", "cmpl-1"},
            {"object", "text_completion"},
            {"model", body.at("model")},
            {"choices", {{{"index", 0}, {"text", "a"}, {"finish_reason", "length"}, {"prompt_logprobs", positions}}}}};
  }

  json sglang_generate(const json& body) {
    const Tokens tokens = body.at("input_ids").get<Tokens>();
    const auto start = body.at("logprob_start_len").get<std::size_t>();
    const std::vector<double> values = log_probs(tokens);
    json entries = json::array({{nullptr, tokens.at(start), nullptr}});
    for (std::size_t at = start + 1; at < tokens.size(); ++at) {
      entries.push_back({values[at - 1], tokens[at], nullptr});
    }
    return {{"text", "a"},
            {"meta_info", {{"id", "1"}, {"prompt_tokens", tokens.size()}, {"input_token_logprobs", entries}}}};
  }

  RemoteDialect dialect;
  TabularEngine engine;
  Meddle meddle;
  std::string key;
  bool older_sglang = false;
  std::map<std::string, std::size_t> asked;
  mutable std::mutex mutex;
  httplib::Server server;
  int port = 0;
  std::thread listener;
};

RemoteTabularServer::RemoteTabularServer(RemoteDialect dialect) : state_(std::make_unique<State>(dialect)) {
  State& state = *state_;
  state.server.Get("/v1/models", [&state](const httplib::Request& request, httplib::Response& response) {
    state.answer(request, response, "/v1/models", [&] { return state.models(); });
  });
  if (dialect == RemoteDialect::kVllm) {
    state.serve("/tokenize", &State::vllm_tokenize);
    state.serve("/detokenize", &State::vllm_detokenize);
    state.serve("/v1/completions", &State::vllm_completions);
  } else {
    state.serve("/v1/tokenize", &State::sglang_tokenize);
    state.serve("/v1/detokenize", &State::sglang_detokenize);
    state.serve("/generate", &State::sglang_generate);
  }
  state.port = state.server.bind_to_any_port("127.0.0.1");
  if (state.port <= 0) {
    throw std::runtime_error("no port of the loopback could be bound");
  }
  state.listener = std::thread([&state] { state.server.listen_after_bind(); });
  state.server.wait_until_ready();
}

RemoteTabularServer::~RemoteTabularServer() { stop(); }

void RemoteTabularServer::stop() {
  if (state_->listener.joinable()) {
    state_->server.stop();
    state_->listener.join();
  }
}

std::string RemoteTabularServer::url() const { return "http://127.0.0.1:" + std::to_string(state_->port); }

void RemoteTabularServer::meddle(Meddle with) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->meddle = std::move(with);
}

void RemoteTabularServer::require_key(std::string key) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->key = std::move(key);
}

void RemoteTabularServer::speak_older_sglang() {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->older_sglang = true;
}

std::size_t RemoteTabularServer::asked(const std::string& path) const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  const auto count = state_->asked.find(path);
  return count == state_->asked.end() ? 0 : count->second;
}

std::vector<TokenStats> RemoteTabularServer::evaluate(const TokenTree& tree) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->engine.evaluate(tree, {}).front();
}

// Greedy: the longest token that fits.
Tokens RemoteTabularServer::encode(const std::string& text) {
  Tokens tokens;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t longest = 0;
    std::size_t best = 0;
    for (std::size_t token = 0; token < kEntries.size(); ++token) {
      const std::string_view bytes = kEntries[token].bytes;
      if (bytes.size() > longest && text.compare(at, bytes.size(), bytes) == 0) {
        longest = bytes.size();
        best = token;
      }
    }
    if (longest == 0) {
      throw std::runtime_error("no token fits byte " + std::to_string(at) + " of the text");
    }
    tokens.push_back(static_cast<Token>(best));
    at += longest;
  }
  return tokens;
}

std::string RemoteTabularServer::bytes(Token token) { return kEntries.at(static_cast<std::size_t>(token)).bytes; }

}  // namespace endorm
