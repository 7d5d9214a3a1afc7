#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <sys/types.h>

#include "engine/tabular_engine.h"
#include "score/endogenous_scorer.h"
#include "score/score_run.h"

namespace endorm {

// A scoring run on a tabular engine of random logits, as the command line makes one: manifest, log, scorer, rows.
struct RunSetup {
  std::string input;
  std::string output;
  ScoreOptions score = {};
  Shard shard = {};
  std::string model = "random";
  std::size_t context = 0;
  std::string data_sha256 = "of the input";
  std::string started = "2025-01-01T00:00:00Z";
  // How the engine fails.
  std::optional<Tokens> poison = {};                    // at every state that ends with these tokens, for good
  std::optional<std::size_t> calls_until_failure = {};  // from this state on
  std::function<void()> on_state = {};                  // called before each state
};

std::string manifest_of(const RunSetup& setup);

RunSummary run(const RunSetup& setup);
RunSummary run(const RunSetup& setup, RecordInput& reader, ResultLog& log, const RunProgress& progress);

// JSON lines of records with one to four responses, some of them over several windows of a run.
std::string random_records(std::size_t count, std::uint64_t seed);

// Waits for a child. Its exit status; -1 where it did not exit by itself.
int exit_status(pid_t child);

}  // namespace endorm
