// Samples as questions to a judge.
#include <nlohmann/json.hpp>

#include "engine/content_hash.h"
#include "eval/math_report.h"

namespace endorm {

std::vector<Example> math_examples(std::span<const MathRow> rows, const MathPrompt& prompt) {
  std::vector<Example> examples;
  for (const MathRow& row : rows) {
    if (row.samples.empty()) {
      continue;
    }
    Example& example = examples.emplace_back();
    example.request.id = row.problem.id;
    example.request.messages = math_messages(prompt, row.problem.question);
    nlohmann::json known = {row.problem.key};
    for (const MathSample& sample : row.samples) {
      const bool truncated = sample.end != CompletionEnd::kEndOfTurn;
      RequestResponse& response = example.request.responses.emplace_back();
      response.text = {.text = sample.text, .truncated = truncated, .fields = {}};
      if (!sample.ids.empty()) {
        response.ids = sample.ids;
      }
      example.correct.push_back(sample.verdict == Verdict::kCorrect);
      known.push_back({sample.text, truncated, sample.ids});
    }
    example.request.key = record_key(known.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    example.subset = row.problem.suite;
    example.group = row.problem.id;
  }
  return examples;
}

}  // namespace endorm
