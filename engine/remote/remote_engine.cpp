#include "engine/remote/remote_engine.h"

#include <algorithm>
#include <utility>

#include "core/errors.h"
#include "engine/remote/in_parallel.h"
#include "engine/remote/remote_tokenizer.h"

namespace endorm {
namespace {

// One sequence to be asked for: the path of a leaf, cut behind its last scored node.
struct Path {
  Tokens tokens;                   // [L]
  std::vector<std::size_t> nodes;  // [L]
  std::size_t first = 0;           // position of the first scored node
};

std::vector<Path> scored_paths(const TokenTree& tree) {
  const std::span<const TokenTree::Node> nodes = tree.nodes();
  std::vector<bool> covered(nodes.size(), false);
  std::vector<Path> paths;
  // Children have greater numbers than their parents, so going backwards a node that is not covered ends a path.
  for (std::size_t last = nodes.size(); last-- > 0;) {
    if (!nodes[last].scored || covered[last]) {
      continue;
    }
    Path& path = paths.emplace_back(Path{tree.tokens_to(last), tree.path_to(last), 0});
    for (const std::size_t node : path.nodes) {
      covered[node] = true;
      path.first = path.first == 0 && nodes[node].scored ? nodes[node].depth : path.first;
    }
  }
  std::reverse(paths.begin(), paths.end());
  return paths;
}

std::string missing_reason(RemoteDialect dialect) {
  return "A " + std::string(remote_dialect_name(dialect)) +
         " server gives log-probabilities, not raw logits: V, entropies and other temperatures than 1 are unknown; run "
         "the model locally with --model FILE to have them.";
}

void check_options(const RemoteEngineOptions& options) {
  if (options.connections == 0) {
    throw InvalidInput("[RemoteEngine] the number of connections is 0. Give at least 1.");
  }
}

}  // namespace

RemoteEngine::RemoteEngine(RemoteEngineOptions options) : options_(std::move(options)) {
  check_options(options_);
  for (std::size_t connection = 0; connection < options_.connections; ++connection) {
    connections_.push_back(std::make_unique<RemoteHttp>(options_.http));
  }
  served_ = parse_models(connections_.front()->get("/v1/models"), options_.model);
  capabilities_.context = served_.context;
  capabilities_.missing_reason = missing_reason(options_.dialect);
  tokenizer_connection_ = std::make_unique<RemoteHttp>(options_.http);
  tokenizer_ =
      std::make_unique<RemoteTokenizer>(options_.dialect, served_.id, options_.end_of_turn, *tokenizer_connection_);
}

RemoteEngine::~RemoteEngine() = default;

ModelInfo RemoteEngine::model() const {
  const std::string address = connections_.front()->base_url();
  ModelInfo model;
  model.name = served_.id;
  model.file = options_.http.url;
  model.fingerprint = "remote:" + std::string(remote_dialect_name(options_.dialect)) + ":" + address + ":" +
                      served_.id + ":" + served_.root;
  model.template_fingerprint = "remote:" + address + ":" + options_.end_of_turn;
  return model;
}

std::vector<TokenizedResponse> RemoteEngine::tokenize(std::span<const Message> messages,
                                                      std::span<const ResponseText> responses,
                                                      const TemplateOptions& options) const {
  const std::lock_guard lock(tokenizing_);
  return tokenizer_->tokenize(messages, responses, options);
}

std::string RemoteEngine::token_bytes(Token token) const {
  const std::lock_guard lock(tokenizing_);
  return tokenizer_->token_bytes(token);
}

std::vector<std::vector<TokenStats>> RemoteEngine::evaluate(const TokenTree& tree, const EvaluateOptions& options) {
  for (const double alpha : options.alphas) {
    if (alpha != 1.0) {
      throw InvalidInput("[RemoteEngine::evaluate] alpha is " + std::to_string(alpha) +
                         ". Use 1: " + capabilities_.missing_reason);
    }
  }
  if (options.likeliest > 0) {
    throw InvalidInput(
        "[RemoteEngine::evaluate] the likeliest tokens of a server are not read. Ask the server itself.");
  }
  const std::vector<Path> paths = scored_paths(tree);
  for (const Path& path : paths) {
    // The server generates one token behind the path, which needs room as well.
    if (served_.context > 0 && path.tokens.size() >= served_.context) {
      throw InvalidInput("[RemoteEngine::evaluate] a sequence has " + std::to_string(path.tokens.size()) +
                         " tokens; the server takes " + std::to_string(served_.context - 1) +
                         ". Shorten it, or start the server with a longer context.");
    }
  }

  std::vector<std::vector<double>> log_probs(paths.size());  // [path][L - first]
  in_parallel(paths.size(), connections_.size(), [&](std::size_t at, std::size_t thread) {
    const Path& path = paths[at];
    const RemoteCall call = log_probs_call(options_.dialect, served_.id, path.tokens, path.first);
    const std::string reply = connections_[thread]->post(call.path, call.body);
    log_probs[at] = parse_log_probs(options_.dialect, reply, path.tokens, path.first);
  });

  std::vector<std::optional<double>> of_node(tree.nodes().size());
  for (std::size_t at = 0; at < paths.size(); ++at) {
    const Path& path = paths[at];
    tokens_sent_ += path.tokens.size();
    for (std::size_t position = path.first; position < path.tokens.size(); ++position) {
      std::optional<double>& known = of_node[path.nodes[position]];
      if (!known) {
        known = log_probs[at][position - path.first];
      }
    }
  }
  std::vector<TokenStats> stats;
  stats.reserve(tree.scored_count());
  for (std::size_t node = 0; node < tree.nodes().size(); ++node) {
    if (tree.nodes()[node].scored) {
      stats.push_back({of_node[node].value(), 0.0, std::nullopt});
    }
  }
  return std::vector<std::vector<TokenStats>>(options.alphas.size(), stats);
}

}  // namespace endorm
