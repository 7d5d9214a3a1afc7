#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/aggregate.h"
#include "engine/engine.h"
#include "score/endogenous_scorer.h"
#include "score/scorer.h"
#include "score/stats_cache.h"

namespace endorm {

// What judges are made with. References must outlive the judge.
struct JudgeParts {
  Engine& engine;
  StatsCache& cache;            // of token statistics; judges that share an engine share what is in it
  Engine* reference = nullptr;  // log_ratio: the model whose reward is taken away
  ScoreOptions score = {};      // how token rewards are read and aggregated, for every judge that reads tokens
  std::vector<std::string> contrast = {};  // contrast: the alternative system messages of requests that bring none
  std::string head_file = {};              // head: a safetensors or GGUF file with the head's matrices
  std::string server_url = {};             // server: a reward server
  std::string server_shape = "classify";   // or "get_reward"
  std::string server_model = {};           // the name of the model it is to use; empty: its own choice
  std::string server_key = {};             // sent as a bearer token; empty: none
  std::uint64_t seed = 0;
  // Tokens of a reply, for judges that ask the model; none: what the form that they ask for needs. More of them let a
  // model explain before its verdict.
  std::optional<std::size_t> max_reply_tokens = {};
};

// A competitor, ready.
struct Judge {
  std::string name;
  std::unique_ptr<Scorer> scorer;
  // It compares two responses at a time: rewards of a request with two responses are its verdict on that pair (equal: a
  // tie). Of a request with more, each response's reward is the share of the others it beats; a tie is half a win.
  bool compares_pairs = false;
  std::string fingerprint;  // what distinguishes its numbers beyond the engine's: prompt's version and hash, options
};

struct JudgeName {
  std::string_view name;
  std::string_view description;  // one line
};

// Every judge that make_judge knows.
std::vector<JudgeName> judge_names();

// Throws InvalidInput on an unknown name (listing the known ones), and where a part is missing that it needs.
Judge make_judge(std::string_view name, const JudgeParts& parts);

}  // namespace endorm
