#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "eval/bench_report.h"
#include "eval/judging.h"

namespace endorm::test {

inline MetricOptions few_resamples() {
  MetricOptions options;
  options.bootstrap.resamples = 20;
  return options;
}

// A row with two responses that are compared twice, with these margins.
inline JudgedExample compared_row(const std::string& id, double first_margin, double second_margin) {
  JudgedExample row;
  row.id = id;
  row.key = "00";
  row.subset = "chat";
  row.group = id;
  row.responses.resize(2);
  row.responses[0].reward = -1.5;
  row.responses[1].reward = -2.5;
  row.comparisons = {{{0, 1, "0,1"}, first_margin}, {{1, 0, "1,0"}, second_margin}};
  return row;
}

inline JudgeReport judge_of(const std::string& name, std::vector<JudgedExample> rows) {
  JudgeReport judge;
  judge.name = name;
  judge.fingerprint = "ab12";
  judge.rows = std::move(rows);
  return judge;
}

inline ShownPair shown_pair(const std::string& id, const std::string& cell, double margin) {
  const ShownResponse better{"good", -1.5, {"good", "<end>"}, {-1.25, -0.25}};
  const ShownResponse worse{"bad", -1.5, {"bad", "<end>"}, {-1.25, -0.25}};
  return {id, "chat", cell, {{"user", "Hi"}}, margin, better, worse};
}

// Two judges, a sweep of two settings, two shown pairs; not measured.
inline BenchReport pairs_report() {
  BenchReport report;
  report.benchmark = "pairs";
  report.manifest = std::make_shared<nlohmann::ordered_json>(
      nlohmann::ordered_json::parse(R"({"endorm":"0.1.0","model":{"name":"small.gguf"}})"));
  report.faults = {{"chat.json", 3, "x", "blank"}};
  report.judges = {judge_of("endorm", {compared_row("r1", 1.0, -1.0), compared_row("r2", 0.5, -0.5)}),
                   judge_of("length", {compared_row("r2", -28.0, 28.0), compared_row("r1", 7.0, -7.0)})};
  report.sweep = SweepReport{"accuracy (all)", {{{}, 0.75, {}}, {{Aggregation::kMean, 0.5, 2.0}, {}, {}}}, 0};
  report.shown = {shown_pair("r1", "1,0", -1.0), shown_pair("r2", "0,1", 0.5)};
  return report;
}

// A question with two responses, the first of which is right; drawn, with their votes.
inline Example answered_example(const std::string& id) {
  Example example;
  example.request.id = example.group = id;
  example.request.key = "00";
  example.request.messages = {{"user", "What is 2 + 3?"}};
  example.request.responses.resize(2);
  example.request.responses[0].text.text = "5";
  example.request.responses[1].text.text = "6";
  example.subset = "sums";
  example.subject = "addition";
  example.level = "2";
  example.correct = {true, false};
  example.vote = {0, 1};
  DrawnAnswers& drawn = example.drawn.emplace();
  drawn.reference = "5";
  drawn.answers = {"5", "6"};
  drawn.reasons = {"equal", "not equal"};
  drawn.ends = {CompletionEnd::kEndOfTurn, CompletionEnd::kEndOfTurn};
  drawn.tokens = {7, 7};
  return example;
}

inline JudgedExample rewarded_row(const Example& example, std::vector<std::optional<double>> rewards) {
  JudgedExample row = unjudged(example);
  for (std::size_t i = 0; i < rewards.size(); ++i) {
    row.responses[i].reward = rewards[i];
    row.responses[i].error = rewards[i] ? "" : "the text is empty";
  }
  return row;
}

// Three questions, the middle one of which could not be asked; two judges, the second with a reply. Not measured.
inline BenchReport responses_report() {
  BenchReport report;
  report.benchmark = "bestof";
  report.manifest = std::make_shared<nlohmann::ordered_json>(
      nlohmann::ordered_json::parse(R"({"endorm":"0.1.0","model":{"name":"small.gguf"}})"));
  report.faults = {{"sums.jsonl", 3, "x", "the question is blank"}};
  ResponseReport& responses = report.responses.emplace();
  responses.examples = {answered_example("sums/1"), answered_example("sums/2"), answered_example("sums/3")};
  Example& failed = responses.examples[1];
  failed.request.responses.clear();
  failed.correct.clear();
  failed.vote.clear();
  failed.drawn.emplace().reference = "5";
  failed.drawn->error = "too long";
  responses.shown = {
      {"sums/1", {{0, -1.5, {"5", "<end>"}, {-1.25, -0.25}}, {1, -2.5, {"6", "<end>"}, {-2.25, -0.25}}}}};
  const std::vector<Example>& examples = responses.examples;
  report.judges = {judge_of("endorm", {rewarded_row(examples[0], {-1.5, -2.5}), rewarded_row(examples[1], {}),
                                       rewarded_row(examples[2], {-3.5, std::nullopt})}),
                   judge_of("verifier", {rewarded_row(examples[0], {0.25, 0.75}), rewarded_row(examples[1], {}),
                                         rewarded_row(examples[2], {0.5, 0.5})})};
  report.judges[1].rows[0].responses[1].replies = {"Yes."};
  return report;
}

}  // namespace endorm::test
