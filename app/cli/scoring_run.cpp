#include "app/cli/scoring_run.h"

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "app/cli/exit_status.h"
#include "app/cli/judges_run.h"
#include "app/cli/open_input.h"
#include "app/cli/option_flags.h"
#include "app/cli/progress.h"
#include "app/cli/several_models.h"
#include "app/cli/stop_notice.h"
#include "app/run_manifest.h"
#include "app/version.h"
#include "core/ascii_lower.h"
#include "core/errors.h"
#include "core/listed.h"
#include "report/terminal_text.h"
#include "score/field_map.h"
#include "score/parquet_file.h"
#include "score/teacher_file.h"

namespace endorm {
namespace {

// asked: none where the judge does not tell.
void print_summary(const RunSummary& summary, const FieldMap& map, std::optional<std::size_t> asked,
                   std::size_t computed) {
  std::vector<std::string> unused = summary.unknown_fields;
  std::erase_if(unused, [&](const std::string& field) { return map.reads(field); });
  if (!unused.empty()) {
    const auto quoted = [](const std::string& field) { return "\"" + terminal_line(field) + "\""; };
    std::fprintf(stderr, "endorm: warning: the field%s %s not used (rows keep a record's own under \"columns\")\n",
                 unused.size() > 1 ? "s" : "", (listed(unused, quoted) + (unused.size() > 1 ? " are" : " is")).c_str());
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
  void open(const OutputFlags& flags, const std::string& rows) {
    std::error_code nowhere;
    const std::filesystem::path file = std::filesystem::canonical(rows, nowhere);  // of /dev/fd/3 what stands behind it
    if (!flags.cache.empty()) {
      path_ = flags.cache;
    } else if (rows != "-" && !nowhere && std::filesystem::is_regular_file(file)) {
      path_ = file.string() + ".cache";
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

ResultLog open_log(const std::string& path, bool overwrite, const std::string& manifest) {
  if (path == "-") {
    return ResultLog::stream(STDOUT_FILENO, "standard output", manifest);
  }
  return ResultLog::open(path, manifest, overwrite ? ResultMode::kOverwrite : ResultMode::kResume);
}

constexpr std::string_view kArrays = ".npz";

// What a run writes: rows or arrays, where they grow, and whether they become Parquet in the end.
struct OutputPlan {
  bool arrays = false;
  bool parquet = false;
  std::string path;
};

void refuse_existing(const std::string& place, const OutputFlags& flags, const char* what) {
  if (!flags.overwrite && std::filesystem::exists(flags.output)) {
    throw InvalidInput(place + flags.output + " is there already, and " + what +
                       " is not continued. Give --overwrite to begin anew.");
  }
}

// Throws InvalidInput where what is asked of the output does not go together.
OutputPlan plan_output(const std::string& command, const ScoringRunFlags& flags) {
  const std::string& output = flags.output.output;
  const std::string place = "[" + command + "] ";
  OutputPlan plan{flags.top_k > 0, is_parquet_name(output), output};
  const std::string ending = ascii_lower(std::filesystem::path(output).extension().string());
  if (!plan.arrays && ending == kArrays) {
    throw InvalidInput(place + "-o " + output + " asks for arrays. Give --top-k as well, or another name for rows.");
  }
  if (!plan.arrays && (ending == ".csv" || ending == ".tsv")) {
    const std::filesystem::path path = output;
    throw InvalidInput(place + "rows have lists in them, which no " + ending + " holds. Give -o " +
                       std::filesystem::path(path).replace_extension(".jsonl").string() + ", or .parquet.");
  }
  if (plan.parquet) {
    require_parquet_writer(output);
    plan.path = output + (plan.arrays ? std::string(kArrays) : ".jsonl");
    if (plan.arrays || !std::filesystem::exists(plan.path)) {
      refuse_existing(place, flags.output, "a Parquet file");
    }
  }
  if (!plan.arrays) {
    return plan;
  }
  if (!plan.parquet && ending != kArrays) {
    throw InvalidInput(place + "--top-k writes arrays. Give them a file: -o FILE.npz, or FILE.parquet.");
  }
  if (flags.judge != "endorm") {
    throw InvalidInput(place + "--top-k tells what the model itself says. Leave --judge out.");
  }
  if (!flags.output.cache.empty()) {
    throw InvalidInput(place + "a cache keeps no likeliest tokens. Leave --cache out with --top-k.");
  }
  refuse_existing(place, flags.output, "a file of arrays");
  return plan;
}

// What determines the numbers of a run.
nlohmann::ordered_json manifest_of(const std::string& command, const ScoringRunFlags& flags, const Engine& engine,
                                   const Judge& judge, const RewardOptions& options) {
  const ModelInfo model = engine.model();
  nlohmann::ordered_json manifest = {
      {"endorm", kVersion},
      {"command", command},
      // What distinguishes endorm's numbers stands under "options", each by its name.
      {"judge", judge_part(judge.name, judge.name == "endorm" ? "" : judge.fingerprint)},
      {"model", model_part(model)},
      {"template", template_part(model.template_fingerprint, options.score.text)},
      {"options", options_part(options, engine.capabilities().context, flags.output.shard)},
      {"data", data_part(flags.input)},
      {"run", run_part(flags.engine.here.threads)}};
  for (const auto& [name, text] : {std::pair("map", flags.map), std::pair("system", flags.system)}) {
    if (!text.empty()) {
      manifest["options"][name] = text;
    }
  }
  for (const auto& [name, number] : {std::pair("limit", flags.limit), std::pair("top_k", flags.top_k)}) {
    if (number > 0) {
      manifest["options"][name] = number;
    }
  }
  return manifest;
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
  command.add_option("--map", flags.map, kMapHelp)->default_str("");
  command.add_option("--system", flags.system, "a system message for the records that have none")->default_str("");
  command.add_option("--limit", flags.limit, "take the first N records only")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 40U))
      ->default_str("")
      ->type_name("N");
  command
      .add_option("--media-root", flags.media_root,
                  "the directory that images and sounds named by records lie in (default: that of the input)")
      ->default_str("");
  add_reward_flags(command, flags.scoring);
  command.add_option("-j,--judge", flags.judge,
                     "whose rewards: endorm, or another judge that `endorm bench list` names");
  add_output_flags(command, flags.output);
  add_option_flags(command, judge_options(), flags.judge_parts);
  add_option_flags(command, engine_options(), flags.engine);
  CLI::Option* model = command.get_option("--model");
  model->description(model->get_description() + kSeveralModelsHelp);
}

void run_scoring(const std::string& command, const ScoringRunFlags& flags, const RowOptions& rows,
                 const std::function<std::string(const Request&, const Scored&)>& make_row, const RunAside& aside) {
  refuse_input_as_output(command, flags.input, flags.output.output);
  const Shard shard = shard_from(flags.output.shard);
  const OutputPlan plan = plan_output(command, flags);
  refuse_input_as_output(command, flags.input, plan.path);
  ScoreOptions score = score_options(flags.scoring);
  score.likeliest = flags.top_k;
  const FieldMap map = FieldMap::parse(flags.map);
  std::unique_ptr<RecordInput> input = open_input(flags.input);
  if (!aside.copy.empty()) {
    input = copied_records(std::move(input), aside.copy);
  }
  input = mapped_records(std::move(input), map);
  std::optional<std::size_t> input_bytes;
  if (flags.input != "-") {
    std::error_code unknown;
    const auto size = std::filesystem::file_size(flags.input, unknown);
    input_bytes = unknown ? std::nullopt : std::optional<std::size_t>(size);
  }
  std::unique_ptr<Engine> engine;  // outlives the bar, which asks it
  std::atomic<const Engine*> ready = nullptr;
  std::optional<Progress> bar;
  bar.emplace(input_bytes, "records", [&] { return ready != nullptr ? ready.load()->tokens_computed() : 0; });
  bar->waits_for("the model");
  engine = make_engine_for(std::span(&flags.judge, 1), flags.engine);
  bar->waits_for("the first tokens");
  ready = engine.get();
  const std::unique_ptr<Engine> reference = make_reference(flags.judge_parts, flags.engine);
  RunCache run_cache;
  const Judge judge =
      make_judge(flags.judge, make_judge_parts(flags.judge_parts, *engine, reference.get(), run_cache.cache(), score));
  const ModelInfo model = engine->model();
  if (plan.arrays && model.vocabulary > 0 && flags.top_k > model.vocabulary) {
    throw InvalidInput("[" + command + "] --top-k is " + std::to_string(flags.top_k) + ", the model has " +
                       counted(model.vocabulary, "token") + ".");
  }
  const nlohmann::ordered_json manifest = manifest_of(command, flags, *engine, judge, {score, rows});
  std::optional<ResultLog> log;
  std::optional<RowSink> row_sink;
  std::optional<TeacherFile> teacher;
  if (plan.arrays) {
    teacher.emplace(plan.path, command, flags.top_k, manifest.dump());
  } else {
    log.emplace(open_log(plan.path, flags.output.overwrite, manifest_line(manifest)));
    for (const std::string& notice : log->notices()) {
      std::fprintf(stderr, "endorm: %s\n", notice.c_str());
    }
    row_sink.emplace(*log, make_row);
    run_cache.open(flags.output, plan.path);
  }
  RecordSink& sink = plan.arrays ? static_cast<RecordSink&>(*teacher) : *row_sink;
  StopNotice notice;
  const auto say_kept = [&](std::size_t records) {
    notice.say(plan.arrays ? "Nothing is kept: a file of arrays is written whole." : what_is_kept(plan.path, records));
  };
  say_kept(0);
  RunOptions options{score.step_separator, shard, flags.limit, flags.system, {}};
  options.media.root = flags.media_root.empty() && flags.input != "-"
                           ? std::filesystem::path(flags.input).parent_path().string()
                           : flags.media_root;
  const RunSummary summary =
      score_lines(*input, *judge.scorer, sink, options, [&](const RunSummary& so_far, std::size_t bytes_read) {
        say_kept(so_far.records);
        bar->update(bytes_read, so_far.records, so_far.resumed, so_far.record_errors + so_far.response_errors,
                    judge.scorer->tokens_asked().value_or(engine->tokens_computed()));
      });
  bar.reset();
  run_cache.finish();
  if (teacher && summary.records > 0) {
    teacher->commit();
  }
  if (aside.read_rows && !plan.arrays && plan.path != "-" && summary.records > 0) {
    aside.read_rows(plan.path);
  }
  if (plan.parquet && summary.records > 0) {
    log.reset();
    try {
      if (plan.arrays) {
        write_parquet_of_arrays(plan.path, flags.output.output);
      } else {
        write_parquet_of_lines(plan.path, flags.output.output, true);
      }
    } catch (const EngineError& error) {
      throw EngineError(error.what() + (" What it was to hold is in " + plan.path + "."));
    }
    std::filesystem::remove(plan.path);
  }
  print_summary(summary, map, judge.scorer->tokens_asked(), engine->tokens_computed());
  tell_account(judge);
  if (summary.records == 0) {
    throw InvalidInput("[score] the input holds no record");
  }
  if (summary.record_errors + summary.response_errors > 0) {
    throw RowsFailed("finished; " + counted(summary.record_errors, "record") + " and " +
                     counted(summary.response_errors, "response") +
                     " could not be scored: " + (plan.arrays ? "the array \"errors\" says why" : "their rows say why"));
  }
}

}  // namespace endorm
