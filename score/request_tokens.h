#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "score/record.h"
#include "score/score_options.h"
#include "score/scored.h"

namespace endorm {

// One response of a request, ready for the model.
struct PreparedResponse {
  std::size_t response = 0;  // its place in the request
  // What is scored, in order: one, or every turn (kAll), or the last of them (Request::scored_turns), or every run of
  // unmasked tokens. The prompt of each holds all that precedes it.
  std::vector<TokenizedResponse> turns;
  std::size_t truncated_left = 0;  // prompt tokens dropped to fit the context
};

struct PreparedRequest {
  std::vector<PreparedResponse> responses;
  std::size_t tokens_asked = 0;  // of prompts and responses, those that do not fit included
};

// The turns of each response of a request that has tokens, by its place. One that is empty or cannot be tokenized is
// left out, and its outcome [responses] says why.
std::map<std::size_t, std::vector<TokenizedResponse>> tokenize_request(const Engine& engine, const Request& request,
                                                                       const TemplateOptions& text, ScoredTurns turns,
                                                                       std::span<ScoredOutcome> outcomes);

// The same, held against the engine's context: one that does not fit is left out, too.
PreparedRequest prepare_request(const Engine& engine, const Request& request, const TemplateOptions& text,
                                Overflow overflow, ScoredTurns turns, std::span<ScoredOutcome> outcomes);

// A request before any of its responses is scored: its outcomes are empty.
Scored unscored(const Request& request);

// The text of a JSON object, as TemplateOptions::arguments. Throws InvalidInput naming `name` where it is none.
std::string template_arguments_from(const std::string& text, const std::string& name);

// The template's options for one request: its own arguments beside those of the run, and in their place where both name
// one.
TemplateOptions request_template(const TemplateOptions& text, const Request& request);

}  // namespace endorm
