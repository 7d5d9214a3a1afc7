#include "app/cli/judges_run.h"

#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>

#include "app/cli/progress.h"
#include "app/cli/stop_notice.h"
#include "core/errors.h"
#include "eval/judging_run.h"
#include "report/terminal_text.h"

namespace endorm {

void tell_account(const Judge& judge) {
  const std::optional<AskingAccount> account = judge.account ? judge.account() : std::nullopt;
  if (!account) {
    return;
  }
  std::string models;
  for (const std::string& model : account->models) {
    models += (models.empty() ? " answered by " : ", ") + terminal_line(model);
  }
  std::fprintf(stderr, "endorm: %s: %s%s, %zu from the cache; %zu tokens read, %zu written", judge.name.c_str(),
               counted(account->questions, "question").c_str(), models.c_str(), account->from_cache,
               account->tokens_read, account->tokens_written);
  if (account->cost) {
    std::fprintf(stderr, ", %.4f at the prices given", *account->cost);
  }
  std::fprintf(stderr, "\n");
  if (account->uncounted > 0) {
    std::fprintf(stderr, "endorm: %s: replies of which the server did not tell the tokens: %zu\n", judge.name.c_str(),
                 account->uncounted);
  }
  if (account->cut > 0) {
    std::fprintf(stderr,
                 "endorm: %s: replies cut at the limit of tokens: %zu; a model that reasons before it answers needs a "
                 "larger --max-reply-tokens\n",
                 judge.name.c_str(), account->cut);
  }
}

void print_judges() {
  std::printf("judges\n");
  for (const JudgeName& judge : judge_names()) {
    std::printf("  %-22s %s\n", std::string(judge.name).c_str(), std::string(judge.description).c_str());
  }
}

void print_names(const char* what, const std::vector<BenchmarkName>& names) {
  std::printf("%s\n", what);
  for (const BenchmarkName& own : names) {
    std::printf("  %-14s %s\n  %-14s files: %s\n  %-14s from: %s\n", std::string(own.name).c_str(),
                std::string(own.description).c_str(), "", std::string(own.files).c_str(), "",
                std::string(own.source).c_str());
  }
}

std::optional<ResultLog> open_rows(const KeptRows& kept) {
  if (kept.directory.empty()) {
    return std::nullopt;
  }
  std::error_code ignored;
  std::filesystem::create_directories(kept.directory, ignored);
  std::optional<ResultLog> log(
      ResultLog::open(kept.path(), kept.manifest, kept.overwrite ? ResultMode::kOverwrite : ResultMode::kResume));
  for (const std::string& notice : log->notices()) {
    std::fprintf(stderr, "endorm: %s\n", notice.c_str());
  }
  return log;
}

namespace {

std::vector<JudgedExample> judge_rows(std::span<const Example> examples, const Judge& judge, const ScoreOptions& score,
                                      const Engine& engine, const KeptRows& kept) {
  const JudgingOptions options{judge.compares_pairs, score.alpha, score.aggregate.chunk};
  std::optional<ResultLog> log = open_rows(kept);
  std::vector<JudgedExample> finished = log ? read_judged_rows(kept.path()) : std::vector<JudgedExample>{};
  std::size_t bytes = 0;
  for (const Example& example : examples) {
    bytes += text_bytes(example);
  }
  const std::size_t computed_before = engine.tokens_computed();
  const auto computed = [&, computed_before] { return engine.tokens_computed() - computed_before; };
  Progress bar(bytes, "records", computed);
  StopNotice notice;
  return run_judge(examples, *judge.scorer, options, log ? &*log : nullptr, std::move(finished),
                   [&](const JudgingProgress& so_far) {
                     if (log) {
                       notice.say(what_is_kept(kept.path(), so_far.examples));
                     }
                     bar.update(so_far.bytes, so_far.examples, so_far.resumed, so_far.failures, computed());
                   });
}

}  // namespace

void add_judges(BenchReport& report, std::span<const Example> examples, std::span<const Judge> judges,
                const ScoreOptions& score, const Engine& engine, const std::function<KeptRows(const Judge&)>& kept) {
  for (const Judge& judge : judges) {
    JudgeReport& own = report.judges.emplace_back();
    own.name = judge.name;
    own.fingerprint = judge.fingerprint;
    own.rows = judge_rows(examples, judge, score, engine, kept(judge));
    tell_account(judge);
  }
}

}  // namespace endorm
