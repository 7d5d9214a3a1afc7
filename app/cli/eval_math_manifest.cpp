#include "app/cli/eval_math_manifest.h"

#include <filesystem>

#include <nlohmann/json.hpp>

#include "app/run_manifest.h"
#include "grade/grade.h"

namespace endorm {
namespace {

using json = nlohmann::ordered_json;

template <typename Value>
json or_null(const std::optional<Value>& value) {
  return value ? json(*value) : json(nullptr);
}

json of_prompt(const EvalMathFlags& flags, const MathPrompt& prompt) {
  return {{"sha256", math_prompt_hash(prompt)},
          {"instruction", prompt.instruction},
          {"instruction_place", flags.instruction_place},
          {"base", prompt.base},
          {"shots", prompt.shots.size()},
          {"few_shot",
           flags.few_shot.empty() ? json(nullptr) : json(std::filesystem::path(flags.few_shot).filename().string())}};
}

json of_sampling(const MathSamplingOptions& options) {
  return {{"samples", options.samples},      {"temperature", options.sampling.temperature},
          {"top_p", options.sampling.top_p}, {"max_tokens", options.sampling.max_tokens},
          {"stop", options.sampling.stop},   {"seed", options.seed}};
}

// What is asked, how, and how it is answered.
void add_questions(const EvalMathFlags& flags, const MathSamplingOptions& sampling, json& manifest) {
  manifest["reading"] = {
      {"suites", json::array()}, {"limit", or_null(flags.limit)}, {"sample_seed", or_null(flags.sample_seed)}};
  for (const std::string& suite : flags.suites) {
    manifest["reading"]["suites"].push_back(std::filesystem::path(suite).filename().string());
  }
  manifest["prompt"] = of_prompt(flags, sampling.prompt);
  manifest["sampling"] = of_sampling(sampling);
}

// What a judge's rewards of samples depend on, but for the judge.
json rewards_depend_on(const EvalMathFlags& flags, const Engine& engine, const MathProblemSet& set,
                       const MathSamplingOptions& sampling) {
  json manifest = reading_manifest("eval math", engine, score_options(flags.scoring), flags.shard, set.files);
  add_questions(flags, sampling, manifest);
  return manifest;
}

}  // namespace

json math_manifest(const EvalMathFlags& flags, const Engine& engine, const MathProblemSet& set,
                   const MathSamplingOptions& sampling, std::span<const Judge> judges) {
  json manifest = rewards_depend_on(flags, engine, set, sampling);
  manifest["grader"] = {{"version", kGraderVersion}};
  manifest["judges"] = judges_part(judges);
  manifest["figures"] = {{"resamples", flags.resamples}, {"bootstrap_seed", flags.bootstrap_seed}};
  return manifest;
}

json samples_manifest(const EvalMathFlags& flags, const Engine& engine, const MathProblemSet& set,
                      const MathSamplingOptions& sampling) {
  json manifest = drawing_manifest("eval math", engine, sampling.text, flags.shard, set.files);
  add_questions(flags, sampling, manifest);
  return manifest;
}

json judge_manifest(const EvalMathFlags& flags, const Engine& engine, const MathProblemSet& set,
                    const MathSamplingOptions& sampling, const Judge& judge) {
  json manifest = rewards_depend_on(flags, engine, set, sampling);
  manifest["judge"] = judge_part(judge);
  return manifest;
}

}  // namespace endorm
