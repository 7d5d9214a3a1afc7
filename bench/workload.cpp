#include "bench/workload.h"

#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "core/errors.h"

namespace endorm {
namespace {

constexpr std::size_t kTextTokens = 512;
constexpr std::size_t kPromptTokens = 800;
constexpr std::size_t kResponseTokens = 150;
constexpr std::size_t kCandidates = 16;

Tokens read_tokens(const Engine& engine, const std::vector<std::string>& files) {
  Tokens tokens;
  for (const std::string& file : files) {
    std::ifstream stream(file);
    std::stringstream text;
    text << stream.rdbuf();
    const ResponseText whole{text.str(), true};
    const Message nothing{"user", "\n"};
    const auto tokenized = engine.tokenize({&nothing, 1}, {&whole, 1}, {});
    tokens.insert(tokens.end(), tokenized[0].response.begin(), tokenized[0].response.end());
  }
  return tokens;
}

// Walks through the tokens, from the start again where they end.
class Cutter {
 public:
  explicit Cutter(Tokens tokens) : tokens_(std::move(tokens)) {
    if (tokens_.size() < kTextTokens) {
      throw InvalidInput("[make_workloads] the texts hold only " + std::to_string(tokens_.size()) + " tokens");
    }
  }
  Tokens next(std::size_t count) {
    Tokens cut;
    for (; cut.size() < count; place_ = (place_ + 1) % tokens_.size()) {
      cut.push_back(tokens_[place_]);
    }
    return cut;
  }

 private:
  Tokens tokens_;
  std::size_t place_ = 0;
};

}  // namespace

std::size_t Workload::tokens_asked() const {
  std::size_t asked = 0;
  for (const Candidates& candidates : prompts) {
    for (const Tokens& response : candidates.responses) {
      asked += candidates.prompt.size() + response.size();
    }
  }
  return asked;
}

std::vector<Workload> make_workloads(const Engine& engine, const std::vector<std::string>& files, std::size_t texts) {
  Cutter cutter(read_tokens(engine, files));
  Workload plain{"512-token texts", {}};
  for (std::size_t i = 0; i < texts; ++i) {
    plain.prompts.push_back({cutter.next(1), {cutter.next(kTextTokens - 1)}});
  }
  Workload best_of{"best of 16, prompt 800, responses 150", {{cutter.next(kPromptTokens), {}}}};
  for (std::size_t i = 0; i < kCandidates; ++i) {
    best_of.prompts[0].responses.push_back(cutter.next(kResponseTokens));
  }
  return {plain, best_of};
}

void write_workloads(const std::vector<Workload>& workloads, const std::string& file) {
  nlohmann::json json = nlohmann::json::array();
  for (const Workload& workload : workloads) {
    nlohmann::json prompts = nlohmann::json::array();
    for (const Candidates& candidates : workload.prompts) {
      prompts.push_back({{"prompt", candidates.prompt}, {"responses", candidates.responses}});
    }
    json.push_back({{"name", workload.name}, {"prompts", prompts}});
  }
  std::ofstream(file) << json.dump();
}

std::vector<double> endorm_log_probs(Engine& engine, const Workload& workload, bool share_prefixes) {
  TokenTree tree;
  std::vector<std::vector<std::size_t>> places;
  for (const Candidates& candidates : workload.prompts) {
    for (const Tokens& response : candidates.responses) {
      places.push_back(tree.insert(candidates.prompt, response));
    }
  }
  std::vector<std::size_t> scored_before(tree.nodes().size(), 0);
  std::size_t scored = 0;
  for (std::size_t node = 0; node < tree.nodes().size(); ++node) {
    scored_before[node] = scored;
    scored += tree.nodes()[node].scored;
  }
  const std::vector<TokenStats> stats = engine.evaluate(tree, {1.0, share_prefixes});
  std::vector<double> log_probs;
  for (const auto& nodes : places) {
    for (const std::size_t node : nodes) {
      const TokenStats& token = stats[scored_before[node]];
      log_probs.push_back(token.logit - token.log_sum_exp);
    }
  }
  return log_probs;
}

}  // namespace endorm
