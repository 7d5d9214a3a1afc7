#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/generator.h"
#include "engine/text_form.h"

namespace endorm {

struct TabularOptions {
  // Part of the numbers.
  bool end_of_turn = false;      // token V - 1 ends a turn: it follows every response that was not truncated
  std::size_t context = 0;       // longest sequence in tokens; 0 = no limit
  std::string name = "tabular";  // names the problem: in ModelInfo, and in the fingerprint in cache keys
};

// A token Markov decision process given as logits per state: exact in double, for tests and for the lab. A state is the
// whole path of tokens before the action.
//
// Text form: token t is spelled "[t]" in decimal without leading zeros, so "[3][0][12]" is three tokens; nothing else
// may stand in a message or a response. The prompt is the tokens of all messages in order; roles play no part. There is
// no BOS token, so a prompt of no tokens cannot be scored.
class TabularEngine : public Engine, public TextForm, public Generator {
 public:
  // path [depth >= 1] -> logits Q(path, .) [V]. Must be a pure function of the path.
  using LogitFunction = std::function<std::vector<double>(std::span<const Token> path)>;
  // The states by their paths: any other state does not exist, and asking for it throws InvalidInput.
  using LogitTable = std::map<Tokens, std::vector<double>>;

  // Throws InvalidInput where vocabulary is 0, or a row of the table is not [V].
  TabularEngine(std::size_t vocabulary, LogitFunction logits, TabularOptions options = {});
  TabularEngine(std::size_t vocabulary, LogitTable table, TabularOptions options = {});

  const Capabilities& capabilities() const override { return capabilities_; }
  ModelInfo model() const override;
  const TextForm* text_form() const override { return this; }
  Generator* generator() override { return this; }

  // TemplateOptions::template_newline adds nothing: the form has no white space. Throws InvalidInput on any other text,
  // on a token outside the vocabulary, and on an end-of-turn token inside a text.
  std::vector<TokenizedResponse> tokenize(std::span<const Message> messages, std::span<const ResponseText> responses,
                                          const TemplateOptions& options) const override;
  std::string token_bytes(Token token) const override;

  // Throws InvalidInput on a token outside the vocabulary, a path beyond the context, a state that the table lacks, or
  // a row that row_statistics refuses; EngineError where the function returns a row that is not [V].
  std::vector<std::vector<TokenStats>> evaluate(const TokenTree& tree, const EvaluateOptions& options) override;
  // A state counts as one computed token: once for all its actions where prefixes are shared.
  std::size_t tokens_computed() const override { return states_computed_; }
  std::size_t tokens_computed_to_generate() const override { return states_drawn_from_; }

  // There is one form of text: the prompt is one message, and no response ends its turn.
  std::vector<TokenizedResponse> tokenize_raw(std::string_view prompt, std::span<const ResponseText> responses,
                                              const TemplateOptions& options) const override;
  // The tokens of the messages.
  Tokens open_turn(std::span<const Message> messages, const TemplateOptions& options) const override;
  TurnMarks turn_marks(const TemplateOptions& options, const std::string& opening) const override;
  SpecialTexts special_texts() const override { return {}; }

 private:
  // One completion after the other; the end-of-turn token ends one where the options have it. The text is in text form,
  // and stop strings are found in it. Throws as evaluate.
  void generate_each(std::span<const GenerationRequest> requests, const SamplingOptions& options,
                     const CompletionSink& sink) override;
  Tokens read(const std::string& text, std::vector<std::size_t>* byte_offsets) const;
  void check_token(Token token) const;
  // Q(path, .) [V]
  std::vector<double> row(std::span<const Token> path) const;

  std::size_t vocabulary_;
  LogitFunction logits_;
  TabularOptions options_;
  Capabilities capabilities_;
  std::atomic<std::size_t> states_computed_ = 0;
  std::size_t states_drawn_from_ = 0;
};

}  // namespace endorm
