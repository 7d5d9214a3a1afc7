#include "app/cli/scoring_run.h"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "app/cli/exit_status.h"
#include "app/cli/open_input.h"
#include "app/cli/option_flags.h"
#include "app/cli/progress.h"
#include "app/run_manifest.h"
#include "app/version.h"
#include "core/ascii_lower.h"
#include "core/errors.h"
#include "report/terminal_text.h"
#include "score/teacher_file.h"

namespace endorm {
namespace {

// asked: none where the judge does not tell.
void print_summary(const RunSummary& summary, std::optional<std::size_t> asked, std::size_t computed) {
  for (const std::string& field : summary.unknown_fields) {
    std::fprintf(stderr, "endorm: warning: the field \"%s\" is not used\n", terminal_line(field).c_str());
  }
  if (!summary.first_error.empty()) {
    std::fprintf(stderr, "endorm: the first record that could not be read: %s\n",
                 terminal_line(summary.first_error).c_str());
  }
  if (summary.spelled_ends > 0) {
    std::fprintf(stderr, "endorm: %s spelled the end of the turn: it was read as that token, once\n",
                 counted(summary.spelled_ends, "response").c_str());
  }
  if (summary.answers_alone > 0) {
    std::fprintf(stderr,
                 "endorm: %s read as an answer alone, where the template puts it in a finished turn (docs/turns.md; "
                 "--response-is says otherwise)\n",
                 counted(summary.answers_alone, "response").c_str());
  }
  if (summary.records_cut > 0) {
    std::fprintf(stderr,
                 "endorm: the prompts of %s were cut on the left to fit the context, equally for all responses\n",
                 counted(summary.records_cut, "record").c_str());
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
  std::fprintf(stderr, "; %zu tokens computed", computed);
  if (asked) {
    std::fprintf(stderr, " for %zu asked", *asked);
  }
  std::fprintf(stderr, "\n");
}

// Statistics live beside the output while it grows, so that a resumed run repeats no work and gives the same bytes.
class RunCache {
 public:
  StatsCache& cache() { return cache_; }
  // Once the output is held by this run; before, the cache is a temporary one.
  void open(const OutputFlags& flags) {
    if (!flags.cache.empty()) {
      path_ = flags.cache;
    } else if (flags.output != "-" && std::filesystem::is_regular_file(flags.output)) {
      path_ = flags.output + ".cache";
      temporary_ = true;
    }
    if (temporary_ && flags.overwrite) {
      remove();
    }
    cache_ = StatsCache(path_);
  }
  void finish() {
    cache_ = StatsCache(std::nullopt);
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
  StatsCache cache_{std::nullopt};
};

ResultLog open_log(const OutputFlags& flags, const std::string& manifest) {
  if (flags.output == "-") {
    return ResultLog::stream(STDOUT_FILENO, "standard output", manifest);
  }
  return ResultLog::open(flags.output, manifest, flags.overwrite ? ResultMode::kOverwrite : ResultMode::kResume);
}

constexpr std::string_view kArrays = ".npz";

// Rows under a name that promises a table.
void refuse_tables(const std::string& place, const std::string& output) {
  const std::filesystem::path path = output;
  const std::string ending = ascii_lower(path.extension().string());
  if (ending != ".parquet" && ending != ".csv" && ending != ".tsv") {
    return;
  }
  const std::string lines = std::filesystem::path(path).replace_extension(".jsonl").string();
  throw InvalidInput(place + "rows are JSON lines, so that a run that was stopped goes on. Give -o " + lines +
                     ", and make the table of that, without the manifest in its first line: python3 -c 'import pandas; "
                     "pandas.read_json(\"" +
                     lines + "\", lines=True).iloc[1:].drop(columns=\"manifest\").to_" +
                     (ending == ".parquet" ? "parquet" : "csv") + "(\"" + output + "\")'");
}

// Whether the output is arrays. Throws InvalidInput where what is asked of it does not go together.
bool writes_arrays(const std::string& command, const ScoringRunFlags& flags) {
  const std::string& output = flags.output.output;
  const std::string place = "[" + command + "] ";
  if (flags.top_k == 0) {
    if (output.ends_with(kArrays)) {
      throw InvalidInput(place + "-o " + output + " asks for arrays. Give --top-k as well, or another name for rows.");
    }
    refuse_tables(place, output);
    return false;
  }
  if (output.ends_with(".parquet")) {
    const std::string name = output.substr(0, output.rfind('.'));
    throw InvalidInput(place + "no .parquet is written. Give --top-k and -o " + name +
                       ".npz, and make it of that: python3 -c 'import numpy, pyarrow as a, pyarrow.parquet as p; f = "
                       "numpy.load(\"" +
                       name +
                       ".npz\"); p.write_table(a.table({k: a.LargeListArray.from_arrays("
                       "f[\"offsets\"], a.array(list(f[k]))) for k in (\"token_ids\", \"log_probs\", \"top_ids\", "
                       "\"top_log_probs\")}), \"" +
                       output + "\")'");
  }
  if (!output.ends_with(kArrays)) {
    throw InvalidInput(place + "--top-k writes arrays. Give them a file: -o FILE.npz.");
  }
  if (flags.judge != "endorm") {
    throw InvalidInput(place + "--top-k tells what the model itself says. Leave --judge out.");
  }
  if (!flags.output.cache.empty()) {
    throw InvalidInput(place + "a cache keeps no likeliest tokens. Leave --cache out with --top-k.");
  }
  if (!flags.output.overwrite && std::filesystem::exists(output)) {
    throw InvalidInput(place + output +
                       " is there already, and a file of arrays is not continued. Give --overwrite to "
                       "begin anew.");
  }
  return true;
}

void add_output_flags(CLI::App& command, OutputFlags& flags) {
  command.add_option("-o,--output", flags.output,
                     "result file, continued where an earlier run stopped; - is standard output");
  command.add_flag("--overwrite", flags.overwrite, "start the result file anew");
  command.add_option("--shard", flags.shard, "i/n: take every n-th record only, from the i-th; see score merge");
  command.add_option("--cache", flags.cache, "keep the statistics of all tokens in this file for later runs");
}

}  // namespace

Shard shard_from(const std::string& text) {
  const std::optional<Shard> shard = text.empty() ? Shard() : parse_shard(text);
  if (!shard) {
    throw InvalidInput("[--shard] \"" + text + "\" is not i/n with 1 <= i <= n");
  }
  return *shard;
}

void add_scoring_run_flags(CLI::App& command, ScoringRunFlags& flags) {
  command.add_option("input", flags.input, kInputHelp);
  add_reward_flags(command, flags.scoring);
  command.add_option("-j,--judge", flags.judge,
                     "whose rewards: endorm, or another judge that `endorm bench list` names");
  add_output_flags(command, flags.output);
  add_option_flags(command, judge_options(), flags.judge_parts);
  add_option_flags(command, engine_options(), flags.engine);
}

void run_scoring(const std::string& command, const ScoringRunFlags& flags, const RowOptions& rows,
                 const std::function<std::string(const Request&, const Scored&)>& make_row) {
  refuse_input_as_output(command, flags.input, flags.output.output);
  const Shard shard = shard_from(flags.output.shard);
  const bool arrays = writes_arrays(command, flags);
  ScoreOptions score = score_options(flags.scoring);
  score.likeliest = flags.top_k;
  const std::unique_ptr<RecordInput> input = open_input(flags.input);
  std::optional<std::size_t> input_bytes;
  if (flags.input != "-") {
    std::error_code unknown;
    const auto size = std::filesystem::file_size(flags.input, unknown);
    input_bytes = unknown ? std::nullopt : std::optional<std::size_t>(size);
  }
  const std::unique_ptr<Engine> engine = make_engine(flags.engine);
  const std::unique_ptr<Engine> reference = make_reference(flags.judge_parts, flags.engine);
  RunCache run_cache;
  const Judge judge =
      make_judge(flags.judge, make_judge_parts(flags.judge_parts, *engine, reference.get(), run_cache.cache(), score));
  const ModelInfo model = engine->model();
  if (arrays && model.vocabulary > 0 && flags.top_k > model.vocabulary) {
    throw InvalidInput("[" + command + "] --top-k is " + std::to_string(flags.top_k) + ", the model has " +
                       counted(model.vocabulary, "token") + ".");
  }
  nlohmann::ordered_json manifest = {
      {"endorm", kVersion},
      {"command", command},
      // What distinguishes endorm's numbers stands under "options", each by its name.
      {"judge", judge_part(judge.name, judge.name == "endorm" ? "" : judge.fingerprint)},
      {"model", model_part(model)},
      {"template", template_part(model.template_fingerprint, score.text)},
      {"options", options_part({score, rows}, engine->capabilities().context, flags.output.shard)},
      {"data", data_part(flags.input)},
      {"run", run_part(flags.engine.here.threads)}};
  std::optional<ResultLog> log;
  std::optional<RowSink> row_sink;
  std::optional<TeacherFile> teacher;
  if (arrays) {
    manifest["options"]["top_k"] = flags.top_k;
    teacher.emplace(flags.output.output, command, flags.top_k, manifest.dump());
  } else {
    log.emplace(open_log(flags.output, manifest_line(manifest)));
    for (const std::string& notice : log->notices()) {
      std::fprintf(stderr, "endorm: %s\n", notice.c_str());
    }
    row_sink.emplace(*log, make_row);
    run_cache.open(flags.output);
  }
  RecordSink& sink = arrays ? static_cast<RecordSink&>(*teacher) : *row_sink;
  RunSummary summary;
  {
    Progress bar(input_bytes);
    const RunOptions options{score.step_separator, shard};
    summary = score_lines(*input, *judge.scorer, sink, options, [&](const RunSummary& so_far, std::size_t bytes_read) {
      bar.update(bytes_read, so_far.records, so_far.resumed, so_far.record_errors + so_far.response_errors,
                 judge.scorer->tokens_asked().value_or(engine->tokens_computed()));
    });
  }
  run_cache.finish();
  if (teacher && summary.records > 0) {
    teacher->commit();
  }
  print_summary(summary, judge.scorer->tokens_asked(), engine->tokens_computed());
  if (summary.records == 0) {
    throw InvalidInput("[score] the input holds no record");
  }
  if (summary.record_errors + summary.response_errors > 0) {
    throw RowsFailed("finished; " + counted(summary.record_errors, "record") + " and " +
                     counted(summary.response_errors, "response") +
                     " could not be scored: " + (arrays ? "the array \"errors\" says why" : "their rows say why"));
  }
}

}  // namespace endorm
