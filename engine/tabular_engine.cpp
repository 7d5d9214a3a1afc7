#include "engine/tabular_engine.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/errors.h"
#include "core/log_sum_exp.h"
#include "core/top_logits.h"
#include "engine/completion_draft.h"

namespace endorm {
namespace {

std::string spelled(std::span<const Token> path) {
  std::string text;
  for (const Token token : path) {
    text += "[" + std::to_string(token) + "]";
  }
  return text;
}

TabularEngine::LogitFunction lookup(std::size_t vocabulary, TabularEngine::LogitTable table) {
  for (const auto& [path, row] : table) {
    if (row.size() != vocabulary) {
      throw InvalidInput("[TabularEngine] the row of state " + spelled(path) + " has " + std::to_string(row.size()) +
                         " logits. Give one for each of the " + std::to_string(vocabulary) + " tokens.");
    }
  }
  return [table = std::move(table)](std::span<const Token> path) {
    const auto row = table.find(Tokens(path.begin(), path.end()));
    if (row == table.end()) {
      throw InvalidInput("[TabularEngine] the table has no state " + spelled(path) +
                         ". Score only paths inside the table, or add the state.");
    }
    return row->second;
  };
}

}  // namespace

TabularEngine::TabularEngine(std::size_t vocabulary, LogitFunction logits, TabularOptions options)
    : vocabulary_(vocabulary), logits_(std::move(logits)), options_(std::move(options)) {
  if (vocabulary == 0) {
    throw InvalidInput("[TabularEngine] the vocabulary has 0 tokens. Give at least 1.");
  }
  capabilities_.raw_logits = true;
  capabilities_.entropy = true;
  capabilities_.uniform_divergence = true;
  capabilities_.any_alpha = true;
  capabilities_.context = options_.context;
  capabilities_.missing_reason = "A tabular problem has no hidden states.";
}

TabularEngine::TabularEngine(std::size_t vocabulary, LogitTable table, TabularOptions options)
    : TabularEngine(vocabulary, lookup(vocabulary, std::move(table)), std::move(options)) {}

ModelInfo TabularEngine::model() const {
  ModelInfo model;
  model.name = options_.name;
  model.fingerprint =
      "tabular:" + options_.name + ":" + std::to_string(vocabulary_) + (options_.end_of_turn ? ":end_of_turn" : "");
  model.template_fingerprint = "tabular";
  model.vocabulary = vocabulary_;
  return model;
}

void TabularEngine::check_token(Token token) const {
  if (token < 0 || static_cast<std::size_t>(token) >= vocabulary_) {
    throw InvalidInput("[TabularEngine] token " + std::to_string(token) + " is outside the vocabulary. Use 0 to " +
                       std::to_string(vocabulary_ - 1) + ".");
  }
}

Tokens TabularEngine::read(const std::string& text, std::vector<std::size_t>* byte_offsets) const {
  Tokens tokens;
  std::size_t at = 0;
  while (at < text.size()) {
    Token token = 0;
    const char* const digits = text.data() + at + 1;
    const auto [end, error] = std::from_chars(digits, text.data() + text.size(), token);
    const auto length = static_cast<std::size_t>(end - digits) + 2;
    // Reading back what was read refuses leading zeros, signs and blanks: a text has one spelling.
    if (error != std::errc() || text.compare(at, length, "[" + std::to_string(token) + "]") != 0) {
      throw InvalidInput("[TabularEngine::tokenize] byte " + std::to_string(at) + " of \"" + text +
                         "\" does not begin a token. Write tokens as [0][12][3].");
    }
    check_token(token);
    if (options_.end_of_turn && static_cast<std::size_t>(token) == vocabulary_ - 1) {
      throw InvalidInput("[TabularEngine::tokenize] \"" + text + "\" contains the end-of-turn token " +
                         std::to_string(token) + ". Leave it out: it is added to responses that are not truncated.");
    }
    tokens.push_back(token);
    if (byte_offsets != nullptr) {
      byte_offsets->push_back(at);
    }
    at += length;
  }
  return tokens;
}

std::vector<TokenizedResponse> TabularEngine::tokenize(std::span<const Message> messages,
                                                       std::span<const ResponseText> responses,
                                                       const TemplateOptions& options) const {
  const Tokens prompt = open_turn(messages, options);
  std::vector<TokenizedResponse> tokenized;
  for (const ResponseText& response : responses) {
    TokenizedResponse& result = tokenized.emplace_back();
    result.prompt = prompt;
    result.response = read(response.text, &result.byte_offsets);
    result.finish = response.truncated ? Finish::kTruncated : Finish::kEndOfTurn;
    if (options_.end_of_turn && options.end_of_turn && !response.truncated) {
      result.response.push_back(static_cast<Token>(vocabulary_ - 1));
      result.byte_offsets.push_back(response.text.size());
    }
  }
  return tokenized;
}

std::vector<TokenizedResponse> TabularEngine::tokenize_raw(std::string_view prompt,
                                                           std::span<const ResponseText> responses,
                                                           const TemplateOptions& options) const {
  const std::vector<Message> messages{{"user", std::string(prompt)}};
  std::vector<ResponseText> as_they_are(responses.begin(), responses.end());
  for (ResponseText& response : as_they_are) {
    response.truncated = true;
  }
  return tokenize(messages, as_they_are, options);
}

std::string TabularEngine::token_bytes(Token token) const {
  check_token(token);
  return spelled(std::span(&token, 1));
}

std::vector<double> TabularEngine::row(std::span<const Token> path) const {
  std::vector<double> q = logits_(path);
  if (q.size() != vocabulary_) {
    throw EngineError("[TabularEngine] the logit function returned " + std::to_string(q.size()) + " logits for state " +
                      spelled(path) + ". It must return " + std::to_string(vocabulary_) + ".");
  }
  return q;
}

Tokens TabularEngine::open_turn(std::span<const Message> messages, const TemplateOptions&) const {
  Tokens prompt;
  for (const Message& message : messages) {
    const Tokens tokens = read(message.content, nullptr);
    prompt.insert(prompt.end(), tokens.begin(), tokens.end());
  }
  return prompt;
}

TurnMarks TabularEngine::turn_marks(const TemplateOptions&, const std::string& opening) const {
  TurnMarks marks;
  marks.opening = opening;
  return marks;
}

void TabularEngine::generate_each(std::span<const GenerationRequest> requests, const SamplingOptions& options,
                                  const CompletionSink& sink) {
  for (const GenerationRequest& request : requests) {
    const Tokens& prompt = request.prompt;
    std::for_each(prompt.begin(), prompt.end(), [&](Token token) { check_token(token); });
    if (prompt.empty()) {
      throw InvalidInput("[TabularEngine::generate] a prompt is empty: the first token has no state before it");
    }
    if (options_.context > 0 && prompt.size() + options.max_tokens > options_.context) {
      throw InvalidInput("[TabularEngine::generate] a prompt of " + std::to_string(prompt.size()) + " tokens and " +
                         std::to_string(options.max_tokens) + " behind it are more than the " +
                         std::to_string(options_.context) + " tokens of the context");
    }
  }
  for (std::size_t i = 0; i < requests.size(); ++i) {
    Tokens path = requests[i].prompt;
    CompletionDraft draft(requests[i], options);
    while (!draft.ended()) {
      const Token token = draft.draw(std::span<const double>(row(path)));
      ++states_drawn_from_;
      if (options_.end_of_turn && static_cast<std::size_t>(token) == vocabulary_ - 1) {
        draft.end_turn(token);
      } else {
        draft.add(token, token_bytes(token));
        path.push_back(token);
      }
    }
    sink(i, draft.take());
  }
}

std::vector<std::vector<TokenStats>> TabularEngine::evaluate(const TokenTree& tree, const EvaluateOptions& options) {
  // Row of one state Q(s, .) [V] with its statistics at each temperature.
  struct State {
    std::vector<double> q;
    std::vector<RowStatistics> rows;  // [alphas]
    std::vector<LargestLogit> likeliest;
  };
  std::map<std::size_t, State> states;  // by the node whose token is the last of the state's path
  const auto state_of = [&](std::size_t node) -> const State& {
    if (options.share_prefixes) {
      const auto known = states.find(node);
      if (known != states.end()) {
        return known->second;
      }
    }
    const Tokens path = tree.tokens_to(node);
    State state{row(path), {}, {}};
    ++states_computed_;
    for (const double alpha : options.alphas) {
      state.rows.push_back(row_statistics(std::span<const double>(state.q), alpha));
    }
    TopLogits largest(options.likeliest);
    largest.add(std::span<const double>(state.q));
    state.likeliest = largest.sorted();
    return states.insert_or_assign(node, std::move(state)).first->second;
  };

  std::vector<std::vector<TokenStats>> stats(options.alphas.size());
  for (const TokenTree::Node& node : tree.nodes()) {
    check_token(node.token);
    if (options_.context > 0 && node.depth >= options_.context) {
      throw InvalidInput("[TabularEngine::evaluate] a sequence has more than the " + std::to_string(options_.context) +
                         " tokens of the context. Shorten it.");
    }
    if (node.scored) {
      const State& state = state_of(node.parent.value());
      for (std::size_t alpha = 0; alpha < stats.size(); ++alpha) {
        stats[alpha].push_back(token_stats(state.q[static_cast<std::size_t>(node.token)], state.rows[alpha]));
        stats[alpha].back().likeliest = state.likeliest;
      }
    }
  }
  return stats;
}

}  // namespace endorm
