#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/aggregate.h"
#include "engine/engine.h"
#include "score/record.h"
#include "score/request_tokens.h"
#include "score/scored.h"

namespace endorm {

// What a row shows beyond its numbers.
struct RowOptions {
  bool tokens = false;  // "messages" and "token_rewards"
  bool steps = false;   // "steps"
};

// What made a result file. Everything outside `run` must be equal for a run to be resumed.
struct Manifest {
  struct Judge {  // whose rewards these are
    std::string name = "endorm";
    std::string fingerprint;
  };
  struct Model {
    std::string name;
    std::string file;
    std::string sha256;
    std::string fingerprint;  // Engine::fingerprint
    std::string arithmetic;   // of matrix products, e.g. "exact bf16"; empty where not known (a remote model)
  };
  struct Template {
    std::string fingerprint;  // Engine::template_fingerprint
    TemplateOptions options;
  };
  struct Options {  // what changes the numbers or the rows
    double alpha = 1.0;
    AggregateOptions aggregate;
    std::string step_separator;
    std::string score_turns = "last";  // "last", "all"
    std::string on_overflow;           // "error", "truncate-left", "skip"
    std::size_t context = 0;           // tokens
    bool share_prefixes = true;
    std::string shard;  // "i/n"; empty: all records
    RowOptions rows;
  };
  struct Data {
    std::string file;
    std::string sha256;
  };
  struct Run {            // what may differ when a run is resumed
    std::string started;  // ISO 8601
    std::string host;
    std::size_t threads = 0;
  };

  std::string version;
  std::string command;
  Judge judge;
  Model model;
  Template chat_template;
  Options options;
  std::optional<Data> data;  // none: standard input
  std::optional<Run> run;
};

// "as_drawn", "continued", "closed_by_template", "raw", "tokens".
std::string_view context_name(ResponseContext context);

// Which of the turns a token of the response is of.
std::size_t turn_of(std::span<const TurnReward> turns, std::size_t token);

// {"manifest": {"endorm", "command", "judge", "model", "template", "options", "data", "run"?}}, without a newline as
// all lines here. The fields are those of docs/design.md.
std::string manifest_line(const Manifest& manifest);

// One scored record; fields that a judge does not give are absent. Doubles are printed so that they read back as the
// same number. Throws InvalidInput where a token of a response has probability 0 (its log_prob is -infinity: the model
// masks it), and InternalError where another number is not finite or the token arrays differ in length.
std::string scored_row(const Request& request, const Scored& scored, const RowOptions& options);

enum class RowErrorKind { kInvalidInput, kEngine };

// A record without a score. id is absent where it could not be read.
std::string error_row(const std::optional<std::string>& id, std::size_t line, std::string_view key, RowErrorKind kind,
                      const std::string& message);

}  // namespace endorm
