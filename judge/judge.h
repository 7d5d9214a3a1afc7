#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/aggregate.h"
#include "engine/engine.h"
#include "judge/chat_server_options.h"
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
  ChatServerOptions chat_server = {};      // openai and its kin
  std::uint64_t seed = 0;
  // Tokens of a reply, for judges that ask the model; none: what the form that they ask for needs. More of them let a
  // model explain before its verdict.
  std::optional<std::size_t> max_reply_tokens = {};
};

// What the questions of a judge to a server have cost so far.
struct AskingAccount {
  std::size_t questions = 0;
  std::size_t from_cache = 0;      // of them, not asked again
  std::size_t cut = 0;             // replies that ended at their limit of tokens
  std::size_t uncounted = 0;       // replies of which the server did not tell the tokens
  std::size_t tokens_read = 0;     // by the server, of what was asked
  std::size_t tokens_written = 0;  // by it
  std::optional<double> cost;      // of both, where prices were given
  std::set<std::string> models;    // that answered, in the server's words
};

// A competitor, ready.
struct Judge {
  std::string name;
  std::unique_ptr<Scorer> scorer;
  // It compares two responses at a time: rewards of a request with two responses are its verdict on that pair (equal: a
  // tie). Of a request with more, each response's reward is the share of the others it beats; a tie is half a win.
  bool compares_pairs = false;
  bool reads_tokens = false;                              // its responses are scored token by token
  std::function<std::optional<AskingAccount>()> account;  // of a judge that asks: none unless it asks a server
  std::string fingerprint;  // what distinguishes its numbers beyond the engine's: prompt's version and hash, options
};

struct JudgeName {
  std::string_view name;
  std::string_view description;  // one line
};

// Every judge that make_judge knows.
std::vector<JudgeName> judge_names();

// Does it compute with JudgeParts::engine? A judge that does not takes words from it where a record has tokens alone.
// True of an unknown name.
bool needs_model(std::string_view name);

// Throws InvalidInput on an unknown name (listing the known ones), and where a part is missing that it needs.
Judge make_judge(std::string_view name, const JudgeParts& parts);

}  // namespace endorm
