#pragma once

#include <cstddef>
#include <string>

#include "app/cli/engine_flags.h"
#include "score/endogenous_scorer.h"
#include "score/scored_json.h"

namespace endorm {

// What every subcommand that scores asks for.
struct ScoringFlags {
  std::string input = "-";
  std::string aggregation = "discounted";
  AggregateOptions aggregate;
  double alpha = 1.0;
  bool no_end_of_turn = false;
  bool template_newline = false;
  std::string on_overflow = "error";
  std::string step_separator = "\n\n";
  bool steps = false;
  bool no_sharing = false;
};

void add_scoring_flags(CLI::App& command, ScoringFlags& flags);
// The same without the input: how token rewards are read and aggregated.
void add_reward_flags(CLI::App& command, ScoringFlags& flags);

// Throws InvalidInput on values out of range.
ScoreOptions score_options(const ScoringFlags& flags);

// The manifest of a run of `command` over flags.input. Hashes the input where it is a regular file.
Manifest make_manifest(const std::string& command, const Engine& engine, const EngineFlags& engine_flags,
                       const ScoringFlags& flags, const RowOptions& rows, const std::string& shard);

}  // namespace endorm
