#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "eval/math_problem.h"
#include "eval/math_prompt.h"
#include "eval/math_row.h"
#include "score/result_log.h"
#include "score/score_run.h"

namespace endorm {

struct MathSamplingOptions {
  MathPrompt prompt;
  TemplateOptions text;  // of the prompts
  SamplingOptions sampling;
  std::size_t samples = 8;  // k, of each problem
  std::uint64_t seed = 0;   // a sample's own seed: a hash of this, the problem's id and the sample's number
};

struct MathSamplingProgress {
  std::size_t samples = 0;  // done with: drawn, failed, and those of earlier runs
  std::size_t resumed = 0;  // of them, of earlier runs
  std::size_t failed = 0;   // of them, of problems that could not be asked
  std::size_t drawn = 0;    // of them, in this run
  std::size_t tokens = 0;   // of those drawn in this run
};

// The problems of one of n parts: they are dealt out in turn.
std::vector<MathProblem> problems_of(std::span<const MathProblem> problems, const Shard& shard);

// Rows that an earlier run finished, of a file that ResultLog has opened. Throws InvalidInput as read_math_row does,
// and where the file cannot be read.
std::vector<MathRow> read_math_rows(const std::string& path);

// k graded samples of each problem, in order. All are drawn in one call of the engine, so that none of its places
// stands empty before the end. A row is appended to `log` (if any) and forced to disk once all its samples and the rows
// before it are there. `finished` [n] are the first n rows, which `log` holds already; they are graded anew, which
// changes no file. A problem whose prompt is empty or does not fit the context with max_tokens behind it becomes a row
// with an error. Throws InvalidInput where the engine cannot generate, k is 0, or a finished row belongs to another
// problem; EngineError where model or disk fail.
std::vector<MathRow> sample_math(std::span<const MathProblem> problems, Engine& engine,
                                 const MathSamplingOptions& options, ResultLog* log, std::vector<MathRow> finished,
                                 const std::function<void(const MathSamplingProgress&)>& progress);

}  // namespace endorm
