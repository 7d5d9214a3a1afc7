#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/generator.h"
#include "eval/example.h"
#include "eval/math_prompt.h"
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

// Records that an earlier run finished, of a file that ResultLog has opened. Throws InvalidInput as best_of_example
// does, and where the file cannot be read.
std::vector<Example> read_samples(const std::string& path);

// k graded samples of each problem of read_math_suites, in order: examples of best of k whose responses are the
// samples, as drawn tokens and as text; one that did not end its turn is marked as cut off. All are drawn in one call
// of the engine, so that none of its places stands empty before the end. A record is appended to `log` (if any) and
// forced to disk once all its samples and the records before it are there. `finished` [n] are the first n of them,
// which `log` holds already; they are graded anew, which changes no file. A problem whose prompt is empty or does not
// fit the context with max_tokens behind it becomes an example without responses, whose drawn->error says why. The key
// of an example is of the problem and the samples: another grading changes none. Throws InvalidInput where the engine
// cannot generate, k is 0, or a finished record belongs to another problem; EngineError where model or disk fail.
std::vector<Example> draw_samples(std::span<const Example> problems, Engine& engine, const MathSamplingOptions& options,
                                  ResultLog* log, std::vector<Example> finished,
                                  const std::function<void(const MathSamplingProgress&)>& progress);

}  // namespace endorm
