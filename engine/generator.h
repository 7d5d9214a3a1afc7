#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/token_tree.h"

namespace endorm {

// How completions are drawn.
struct SamplingOptions {
  std::size_t max_tokens = 512;
  double temperature = 1.0;       // 0: the most likely token
  double top_p = 1.0;             // the smallest set of tokens with at least this probability; 1: all
  std::vector<std::string> stop;  // a completion ends where one of these comes out; it is not part of the text
  bool log_probs = false;         // fill Completion::log_probs

  bool operator==(const SamplingOptions&) const = default;
};

// One completion to be drawn. It depends on its prompt, its seed and the options, not on what is drawn beside it (up to
// the rounding of batches of another shape).
struct GenerationRequest {
  Tokens prompt;  // [P], e.g. of TextForm::open_turn
  std::uint64_t seed = 0;
  std::size_t drawn = 0;  // of the prompt's tokens, the last so many were drawn with this seed before: it goes on
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

// What draws completions, of an engine that can write.
class Generator {
 public:
  virtual ~Generator() = default;

  // Draws one completion a request, many together; what prompts share is computed once. The sink is called once a
  // request, as each ends and in that order, by the calling thread; it must not use the engine. Where the sink throws,
  // generation ends and the exception leaves; the engine stays usable. Throws InvalidInput, before anything is drawn,
  // where options are out of their range or prompt and max_tokens are longer than the context.
  void generate(std::span<const GenerationRequest> requests, const SamplingOptions& options,
                const CompletionSink& sink);
  // The same, all held until the last has ended, in the order of the requests.
  std::vector<Completion> generate(std::span<const GenerationRequest> requests, const SamplingOptions& options);
  // Of prompts and completions, since the engine was made.
  virtual std::size_t tokens_computed_to_generate() const = 0;

 private:
  // What generate() is; options are checked.
  virtual void generate_each(std::span<const GenerationRequest> requests, const SamplingOptions& options,
                             const CompletionSink& sink) = 0;
};

}  // namespace endorm
