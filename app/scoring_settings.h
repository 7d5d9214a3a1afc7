#pragma once

#include <string>

#include "score/endogenous_scorer.h"

namespace endorm {

// What a user says of rewards: flags of a command, arguments of a call. Names are those of the flags.
struct ScoringSettings {
  std::string input = "-";
  std::string aggregation = "discounted";
  AggregateOptions aggregate;
  double alpha = 1.0;
  bool no_end_of_turn = false;
  bool template_newline = false;
  std::string response_is = "auto";
  std::string template_arguments;  // text of a JSON object; empty: none
  std::string template_date = TemplateOptions{}.date;
  std::string score_turns = "last";
  std::string on_overflow = "error";
  std::string step_separator = "\n\n";
  bool steps = false;
  bool no_sharing = false;
};

// Throws InvalidInput on a date that is none, and on arguments that are no JSON object.
TemplateOptions template_options(const ScoringSettings& settings);

// Throws InvalidInput on values out of range.
ScoreOptions score_options(const ScoringSettings& settings);

}  // namespace endorm
