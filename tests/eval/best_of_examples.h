#pragma once

#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/content_hash.h"
#include "eval/example.h"
#include "eval/graded_answers.h"
#include "eval/judging.h"

namespace endorm::test {

// A problem of the suite "s" whose answer is `reference`.
inline Example problem_of(const std::string& id, const std::string& question, const std::string& reference) {
  Example problem;
  problem.request.id = problem.group = "s/" + id;
  problem.request.key = record_key(id + question);
  problem.request.messages = {{"user", question}};
  problem.subset = "s";
  problem.drawn.emplace().reference = reference;
  return problem;
}

// Drawn samples of these texts of a problem of the suite "s", graded, all of which ended their turn; without texts, the
// question could not be asked.
inline Example drawn_example(const std::string& id, const std::string& reference,
                             const std::vector<std::string>& texts) {
  Example example;
  example.request.id = example.group = "s/" + id;
  example.request.key = record_key(id);
  example.request.messages = {{"user", "question " + id}};
  example.subset = "s";
  DrawnAnswers& drawn = example.drawn.emplace();
  drawn.reference = reference;
  for (const std::string& text : texts) {
    example.request.responses.emplace_back().text.text = text;
    drawn.ends.push_back(CompletionEnd::kEndOfTurn);
    drawn.tokens.push_back(text.size());
  }
  for (GradedAnswer& answer : grade_answers(texts, reference)) {
    example.correct.push_back(answer.verdict == Verdict::kCorrect);
    example.vote.push_back(answer.vote);
    drawn.answers.push_back(std::move(answer.answer));
    drawn.reasons.push_back(std::move(answer.reason));
  }
  if (texts.empty()) {
    drawn.error = "too long";
  }
  return example;
}

inline constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// A judge's rows with these rewards; NaN: none.
inline std::vector<JudgedExample> judged_with(const std::vector<Example>& examples,
                                              const std::vector<std::vector<double>>& rewards) {
  std::vector<JudgedExample> rows;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    JudgedExample& row = rows.emplace_back(unjudged(examples[i]));
    for (std::size_t k = 0; k < row.responses.size(); ++k) {
      if (!std::isnan(rewards[i][k])) {
        row.responses[k].reward = rewards[i][k];
      }
    }
  }
  return rows;
}

}  // namespace endorm::test
