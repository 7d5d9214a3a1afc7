#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/token_stats.h"
#include "engine/messages.h"
#include "engine/token_tree.h"
#include "engine/turns/turn_marks.h"

namespace endorm {

// What an engine can give. What it cannot is refused with a reason, never approximated.
struct Capabilities {
  bool raw_logits = false;  // TokenStats::logit and log_sum_exp are those of the raw logits; without it the logits are
                            // normalised (log_sum_exp is 0 and logit is log pi), and whatever needs V is refused
  bool entropy = false;     // TokenStats::entropy is present
  bool uniform_divergence = false;  // TokenStats::uniform_divergence is present
  bool any_alpha = false;           // alpha other than 1 can be asked for
  bool generate = false;            // can write: generate()
  bool hidden_states = false;       // hidden_states()
  std::size_t context = 0;          // longest sequence in tokens; 0 = not known
  std::string missing_reason;       // one sentence: why what is missing is missing; empty where nothing is
};

enum class Finish { kEndOfTurn, kTruncated };

// Prompt and response as tokens. The state before response[0] is the whole prompt.
struct TokenizedResponse {
  Tokens prompt;    // [P], begins with BOS exactly once where the model wants one
  Tokens response;  // [T]
  Finish finish = Finish::kTruncated;
  bool boundary_split = false;  // tokens would have merged across the boundary; the response was tokenized alone
  bool spelled_end = false;     // its text ended with the spelling of the token that ended its turn
  ResponseContext context = ResponseContext::kAsDrawn;
  // [T] where each response token begins in `text`, or where that is empty in ResponseText::text; its size for tokens
  // that the template added after it.
  std::vector<std::size_t> byte_offsets;
  std::string text = {};  // what the response spells, where that is not ResponseText::text
};

struct EvaluateOptions {
  double alpha = 1.0;          // temperature of the soft value
  bool share_prefixes = true;  // false: every sequence is computed alone (for measuring what sharing changes)
};

// How completions are drawn.
struct SamplingOptions {
  std::size_t max_tokens = 512;
  double temperature = 1.0;       // 0: the most likely token
  double top_p = 1.0;             // the smallest set of tokens with at least this probability; 1: all
  std::vector<std::string> stop;  // a completion ends where one of these comes out; it is not part of the text
  bool log_probs = false;         // fill Completion::log_probs
};

// One completion to be drawn. It depends on its prompt, its seed and the options, not on what is drawn beside it (up to
// the rounding of batches of another shape).
struct GenerationRequest {
  Tokens prompt;  // [P], e.g. of open_turn()
  std::uint64_t seed = 0;
};

enum class CompletionEnd { kEndOfTurn, kStop, kLength };

struct Completion {
  Tokens tokens;     // [T], without the token that ended the turn
  std::string text;  // of the tokens, up to a stop string
  CompletionEnd end = CompletionEnd::kLength;
  std::optional<Token> end_token = {};  // what ended the turn, where kEndOfTurn
  // Where asked: log pi of every token, end_token behind them, nats; of the model itself, at temperature 1 and without
  // top_p.
  std::vector<double> log_probs = {};
  std::size_t text_tokens = 0;  // of tokens: those that begin within the text; the others spell a stop string
};

// Takes the completion of requests[request].
using CompletionSink = std::function<void(std::size_t request, Completion completion)>;

// How much an evaluation computed, against what was asked.
struct EvaluateCounts {
  std::size_t tokens_computed = 0;
  std::size_t rows_read = 0;  // rows of logits reduced
};

// One model, ready. Not thread-safe: one caller at a time.
class Engine {
 public:
  virtual ~Engine() = default;

  virtual const Capabilities& capabilities() const = 0;
  virtual std::string model_name() const = 0;
  // What distinguishes this engine's numbers from another's: model hash, adapters, numeric options. Part of cache keys.
  virtual std::string fingerprint() const = 0;
  // sha256 of the template source, or the name of the fixed form ("plain", "raw").
  virtual std::string template_fingerprint() const = 0;

  // messages + each response -> tokens; all responses share the prompt's tokens. Throws InvalidInput, e.g. where the
  // model has no chat template.
  virtual std::vector<TokenizedResponse> tokenize(std::span<const Message> messages,
                                                  std::span<const ResponseText> responses,
                                                  const TemplateOptions& options) const = 0;
  // The same of text that is in the model's own form already: special tokens spelled out in it are special tokens, and
  // nothing is added but BOS where the model wants one and the prompt does not begin with it. A response that brings
  // its end-of-turn token has ended its turn (white space behind that is left out, as tokenize leaves it out), any
  // other is truncated. Throws InvalidInput where the engine cannot tell special tokens from text.
  virtual std::vector<TokenizedResponse> tokenize_raw(std::string_view prompt, std::span<const ResponseText> responses,
                                                      const TemplateOptions& options) const;
  // Tokens of a prompt and of a response behind it, as a trainer holds them: ends and paddings behind the first token
  // that ends the turn are dropped. Throws InvalidInput where there is no such token, or no prompt.
  virtual TokenizedResponse tokenize_ids(const Tokens& prompt, const Tokens& response) const;
  // What tells turns apart in text of the engine's own form, under these options; opening: in the place of the form's
  // own where it is not empty. What is not known is empty.
  virtual TurnMarks turn_marks(const TemplateOptions& options, const std::string& opening) const;
  // The bytes of one token, special tokens spelled out. Pieces may be part of a UTF-8 character.
  virtual std::string token_bytes(Token token) const = 0;

  // Teacher-forced statistics of every scored node, in node order [tree.scored_count()]. Shared prefixes are computed
  // once. Throws InvalidInput where a path is longer than the context, EngineError where the model fails.
  virtual std::vector<TokenStats> evaluate(const TokenTree& tree, const EvaluateOptions& options) = 0;
  // The same at several temperatures [alphas][tree.scored_count()], in one pass where the engine can; options.alpha is
  // not read.
  virtual std::vector<std::vector<TokenStats>> evaluate_alphas(const TokenTree& tree, std::span<const double> alphas,
                                                               const EvaluateOptions& options);
  // Totals since the engine was made.
  virtual EvaluateCounts counts() const = 0;

  // The prompt of an answer that is still to be written: messages, then the beginning of the model's own turn. Throws
  // InvalidInput as tokenize does, and where the engine cannot generate.
  virtual Tokens open_turn(std::span<const Message> messages, const TemplateOptions& options = {}) const;
  // Draws one completion a request, many together; what prompts share is computed once. The sink is called once a
  // request, as each ends and in that order, by the calling thread; it must not use the engine. Where the sink throws,
  // generation ends and the exception leaves; the engine stays usable. Throws InvalidInput, before anything is drawn,
  // where the engine cannot generate or prompt and max_tokens are longer than the context.
  void generate(std::span<const GenerationRequest> requests, const SamplingOptions& options,
                const CompletionSink& sink);
  // The same, all held until the last has ended, in the order of the requests.
  std::vector<Completion> generate(std::span<const GenerationRequest> requests, const SamplingOptions& options);
  // The hidden state [D] behind the last token of each sequence, after the model's last norm: what a trained reward
  // head reads. Throws InvalidInput where the engine has none, or a sequence is empty or longer than the context.
  virtual std::vector<std::vector<float>> hidden_states(std::span<const Tokens> sequences);

 private:
  // What generate() is in an engine that can write; options are checked.
  virtual void generate_each(std::span<const GenerationRequest> requests, const SamplingOptions& options,
                             const CompletionSink& sink);
};

}  // namespace endorm
