#include "app/cli/scoring_run.h"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "app/cli/exit_status.h"
#include "app/cli/progress.h"
#include "core/errors.h"
#include "report/terminal_text.h"

namespace endorm {
namespace {

void print_summary(const RunSummary& summary, const EndogenousScorer& scorer, const EvaluateCounts& counts) {
  for (const std::string& field : summary.unknown_fields) {
    std::fprintf(stderr, "endorm: warning: the field \"%s\" is not used\n", terminal_line(field).c_str());
  }
  std::fprintf(stderr, "%s", counted(summary.records, "record").c_str());
  if (summary.resumed > 0) {
    std::fprintf(stderr, " (%zu from an earlier run)", summary.resumed);
  }
  std::fprintf(stderr, ", %s scored, %s", counted(summary.responses, "response").c_str(),
               counted(summary.record_errors + summary.response_errors, "error").c_str());
  if (summary.responses_skipped > 0) {
    std::fprintf(stderr, ", %zu skipped", summary.responses_skipped);
  }
  std::fprintf(stderr, "; %zu tokens computed for %zu asked\n", counts.tokens_computed, scorer.tokens_asked());
}

// Statistics live beside the output while it grows, so that a resumed run repeats no work and gives the same bytes.
class RunCache {
 public:
  explicit RunCache(const OutputFlags& flags) {
    if (!flags.cache.empty()) {
      path_ = flags.cache;
    } else if (flags.output != "-" && std::filesystem::is_regular_file(flags.output)) {
      path_ = flags.output + ".cache";
      temporary_ = true;
    }
    if (temporary_ && flags.overwrite) {
      remove();
    }
    cache_ = std::make_unique<StatsCache>(path_);
  }
  StatsCache& cache() { return *cache_; }
  void finish() {
    cache_.reset();
    if (temporary_) {
      remove();
    }
  }

 private:
  void remove() const {
    for (const char* suffix : {"", "-wal", "-shm"}) {
      std::error_code ignored;
      std::filesystem::remove(*path_ + suffix, ignored);
    }
  }

  std::optional<std::string> path_;
  bool temporary_ = false;
  std::unique_ptr<StatsCache> cache_;
};

ResultLog open_log(const OutputFlags& flags, const std::string& manifest) {
  if (flags.output == "-") {
    return ResultLog::stream(STDOUT_FILENO, "standard output", manifest);
  }
  return ResultLog::open(flags.output, manifest, flags.overwrite ? ResultMode::kOverwrite : ResultMode::kResume);
}

}  // namespace

Shard shard_from(const std::string& text) {
  if (text.empty()) {
    return {};
  }
  Shard shard;
  int used = 0;
  const bool read = std::sscanf(text.c_str(), "%zu/%zu%n", &shard.index, &shard.count, &used) == 2;
  if (!read || static_cast<std::size_t>(used) != text.size() || shard.index == 0 || shard.index > shard.count) {
    throw InvalidInput("[--shard] \"" + text + "\" is not i/n with 1 <= i <= n");
  }
  return shard;
}

void add_output_flags(CLI::App& command, OutputFlags& flags) {
  command
      .add_option("-o,--output", flags.output,
                  "result file, continued where an earlier run stopped; - is standard output")
      ->capture_default_str();
  command.add_flag("--overwrite", flags.overwrite, "start the result file anew");
  command.add_option("--shard", flags.shard, "i/n: take every n-th record only, from the i-th");
  command.add_option("--cache", flags.cache, "keep the statistics of all tokens in this file for later runs");
}

void run_scoring(const std::string& command, const EngineFlags& engine_flags, const ScoringFlags& scoring_flags,
                 const OutputFlags& output_flags, const RowOptions& rows,
                 const std::function<std::string(const Request&, const Scored&)>& make_row) {
  const Shard shard = shard_from(output_flags.shard);
  const ScoreOptions score = score_options(scoring_flags);
  std::optional<LineReader> input;
  std::optional<std::size_t> input_bytes;
  if (scoring_flags.input == "-") {
    input.emplace(STDIN_FILENO, "standard input");
  } else {
    input.emplace(scoring_flags.input);
    std::error_code unknown;
    const auto size = std::filesystem::file_size(scoring_flags.input, unknown);
    input_bytes = unknown ? std::nullopt : std::optional<std::size_t>(size);
  }
  const std::unique_ptr<Engine> engine = make_engine(engine_flags);
  const Manifest manifest = make_manifest(command, *engine, engine_flags, scoring_flags, rows, output_flags.shard);
  ResultLog log = open_log(output_flags, manifest_line(manifest));
  for (const std::string& notice : log.notices()) {
    std::fprintf(stderr, "endorm: %s\n", notice.c_str());
  }
  RunCache run_cache(output_flags);
  EndogenousScorer scorer(*engine, run_cache.cache(), score);
  RunSummary summary;
  {
    Progress bar(input_bytes);
    const RunOptions options{make_row, scoring_flags.step_separator, shard};
    summary = score_lines(*input, scorer, log, options, [&](const RunSummary& so_far, std::size_t bytes_read) {
      bar.update(bytes_read, so_far.records, so_far.resumed, so_far.record_errors + so_far.response_errors,
                 scorer.tokens_asked());
    });
  }
  run_cache.finish();
  print_summary(summary, scorer, engine->counts());
  if (summary.records == 0) {
    throw InvalidInput("[score] the input holds no record");
  }
  if (summary.record_errors + summary.response_errors > 0) {
    throw RowsFailed("finished; " + counted(summary.record_errors, "record") + " and " +
                     counted(summary.response_errors, "response") + " could not be scored: their rows say why");
  }
}

}  // namespace endorm
