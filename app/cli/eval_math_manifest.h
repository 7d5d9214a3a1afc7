#pragma once

#include <span>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "app/cli/eval_math_flags.h"
#include "eval/math_problem.h"
#include "judge/judge.h"

namespace endorm {

// Everything that the figures depend on: no clock time, no host.
nlohmann::ordered_json math_manifest(const EvalMathFlags& flags, const Engine& engine, const MathProblemSet& set,
                                     const MathSamplingOptions& sampling, std::span<const Judge> judges);

// Of the file of samples, and of a judge's rewards of them: what these depend on.
nlohmann::ordered_json samples_manifest(const EvalMathFlags& flags, const Engine& engine, const MathProblemSet& set,
                                        const MathSamplingOptions& sampling);
nlohmann::ordered_json judge_manifest(const EvalMathFlags& flags, const Engine& engine, const MathProblemSet& set,
                                      const MathSamplingOptions& sampling, const Judge& judge);

}  // namespace endorm
