#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/errors.h"
#include "core/token_stats.h"
#include "engine/messages.h"
#include "engine/token_tree.h"
#include "engine/tokenized_response.h"

namespace endorm {

class Generator;
class HiddenStates;
class TextForm;

// What an engine's statistics hold. What they do not is refused with a reason, never approximated.
struct Capabilities {
  bool raw_logits = false;  // TokenStats::logit and log_sum_exp are those of the raw logits; without it the logits are
                            // normalised (log_sum_exp is 0 and logit is log pi), and whatever needs V is refused
  bool entropy = false;     // TokenStats::entropy is present
  bool uniform_divergence = false;  // TokenStats::uniform_divergence is present
  bool images = false;              // messages may hold them
  bool sounds = false;
  bool any_alpha = false;       // alpha other than 1 can be asked for
  std::size_t context = 0;      // longest sequence in tokens; 0 = not known
  std::size_t kept_tokens = 0;  // of prompts that need not be computed again in the next evaluations
  std::string missing_reason;   // one sentence: why what is missing is missing; empty where nothing is
};

// What a model is: what a result's manifest says of it.
struct ModelInfo {
  std::string name;
  std::string file;    // GGUF, or the address of the server that has it
  std::string sha256;  // of the file; empty where it is not known
  // What distinguishes this engine's numbers from another's: model hash, adapters, numeric options. Part of cache keys.
  std::string fingerprint;
  // sha256 of the template source, or the name of the fixed form ("plain", "raw").
  std::string template_fingerprint;
  std::string arithmetic;      // of matrix products: "exact bf16", "native", ...; empty where it is not known
  std::size_t vocabulary = 0;  // columns that a log-sum-exp runs over; 0: not known
};

inline constexpr std::size_t kMostLikeliest = 1024;  // tokens of a place that any door gives

// Where an evaluation that takes long keeps what its steps gave, so that another one of the same tree and options,
// after a crash, need not compute them again. An engine may do without.
class StepResults {
 public:
  virtual ~StepResults() = default;
  // Statistics of a step, in an order of the engine's; none where they are not there.
  virtual std::optional<std::vector<TokenStats>> find(std::size_t step) = 0;
  virtual void keep(std::size_t step, std::span<const TokenStats> stats) = 0;
};

struct EvaluateOptions {
  std::vector<double> alphas = {1.0};  // temperatures of the soft value
  bool share_prefixes = true;          // false: every sequence is computed alone (for measuring what sharing changes)
  std::size_t likeliest = 0;           // of TokenStats::likeliest; an engine that cannot throws InvalidInput
  StepResults* steps = nullptr;        // outlives the call; nullptr: nothing is kept
};

// One model, ready. Not thread-safe: one caller at a time; but what makes tokens of text and text of tokens (tokenize,
// tokenize_ids, token_bytes, and text_form's functions) any number of threads may call at once, beside that caller, and
// tokens_computed, too.
class Engine {
 public:
  virtual ~Engine() = default;

  virtual const Capabilities& capabilities() const = 0;
  virtual ModelInfo model() const = 0;

  // messages + each response -> tokens; all responses share the prompt's tokens. Throws InvalidInput, e.g. where the
  // model has no chat template.
  virtual std::vector<TokenizedResponse> tokenize(std::span<const Message> messages,
                                                  std::span<const ResponseText> responses,
                                                  const TemplateOptions& options) const = 0;
  // Tokens of a prompt and of a response behind it, as a trainer holds them: ends and paddings behind the first token
  // that ends the turn are dropped. Throws InvalidInput where there is no such token, or no prompt.
  virtual TokenizedResponse tokenize_ids(const Tokens& prompt, const Tokens& response) const;
  // The bytes of one token, special tokens spelled out. Pieces may be part of a UTF-8 character.
  virtual std::string token_bytes(Token token) const = 0;

  // Teacher-forced statistics of every scored node at each temperature, in node order [alphas][tree.scored_count()].
  // Shared prefixes are computed once, and all temperatures in one pass where the engine can. Throws InvalidInput where
  // a path is longer than the context, EngineError where the model fails.
  virtual std::vector<std::vector<TokenStats>> evaluate(const TokenTree& tree, const EvaluateOptions& options) = 0;
  // By evaluate, since the engine was made.
  virtual std::size_t tokens_computed() const = 0;

  // What not every engine has; nullptr where it has none, and Capabilities::missing_reason says why.
  virtual const TextForm* text_form() const { return nullptr; }
  virtual Generator* generator() { return nullptr; }
  virtual HiddenStates* hidden_states() { return nullptr; }
};

// The part of an engine that `function` needs. Throws InvalidInput, naming it, with the engine's reason where it has
// none.
template <typename Part>
Part& required(Part* part, const Engine& engine, std::string_view function) {
  if (part == nullptr) {
    throw InvalidInput("[" + std::string(function) + "] " + engine.model().name +
                       " cannot do this: " + engine.capabilities().missing_reason);
  }
  return *part;
}

// A continuation to be scored behind its prefix. What they point at outlives the call they are given to.
struct TokenPath {
  std::span<const Token> prefix;        // [P >= 1]
  std::span<const Token> continuation;  // [T]
};

// Teacher-forced statistics of every continuation at each temperature, [alphas][B][T]. All go into one tree: what they
// share is computed once. Throws as TokenTree::insert and Engine::evaluate.
std::vector<std::vector<std::vector<TokenStats>>> evaluate_paths(Engine& engine, std::span<const TokenPath> paths,
                                                                 const EvaluateOptions& options);

}  // namespace endorm
