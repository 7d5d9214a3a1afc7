#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/cli/commands.h"
#include "app/cli/option_flags.h"
#include "app/cli/scoring_run.h"
#include "app/cli/several_models.h"
#include "app/cli/write_file.h"
#include "score/merge_shards.h"

namespace endorm {
namespace {

struct MergeFlags {
  std::vector<std::string> files;
  std::string output = "-";
};

void run_merge(const MergeFlags& flags) {
  OutputFile output("score merge", flags.output);
  merge_shards(flags.files, [&](std::string_view line) {
    output.write(line);
    output.write("\n");
  });
  output.finish();
}

void add_merge_command(CLI::App& score) {
  auto flags = std::make_shared<MergeFlags>();
  CLI::App* command = score.add_subcommand("merge", "Join the result files of all shards: the file of the whole run");
  command->add_option("files", flags->files, "a file of score --shard i/n -o for every i")->required()->default_str("");
  command->add_option("-o,--output", flags->output, "result file; - is standard output");
  command->footer(
      "Example:\n"
      "  endorm score data.jsonl --shard 1/2 -o part-1.jsonl\n"
      "  endorm score data.jsonl --shard 2/2 -o part-2.jsonl\n"
      "  endorm score merge part-1.jsonl part-2.jsonl -o rewards.jsonl");
  command->callback([flags] { run_merge(*flags); });
}

void add_compare_command(CLI::App& score) {
  auto files = std::make_shared<std::vector<std::string>>();
  CLI::App* command =
      score.add_subcommand("compare", "Compare result files of the same data: models, settings, judges");
  command->add_option("files", *files, "two or more result files of score or rank")->required()->default_str("");
  command->footer(
      "Example:\n"
      "  endorm score pairs.jsonl -m smollm2-135m -o first.jsonl\n"
      "  endorm score pairs.jsonl -m other.gguf -o second.jsonl\n"
      "  endorm score compare first.jsonl second.jsonl");
  command->callback([files] { print_comparison("score compare", *files); });
}

void score_one(const ScoringRunFlags& flags, const RunAside& aside = {}) {
  const RowOptions& rows = flags.scoring.rows;
  run_scoring(
      "score", flags, rows,
      [&](const Request& request, const Scored& scored) { return scored_row(request, scored, rows); }, aside);
}

void run_score(const ScoringRunFlags& flags) {
  const std::vector<std::string> models = models_named(flags.engine.model);
  if (models.size() == 1) {
    score_one(flags);
  } else {
    run_each_model("score", flags, models, [](const ScoringRunFlags& own, const std::string&, const RunAside& aside) {
      score_one(own, aside);
    });
  }
}

}  // namespace

void add_score_command(CLI::App& app) {
  auto flags = std::make_shared<ScoringRunFlags>();
  CLI::App* command = app.add_subcommand("score", "Score responses: records in any form in, JSON lines out");
  add_scoring_run_flags(*command, *flags);
  add_option_flags(*command, reward_options(), flags->scoring,
                   [](const OptionFacts& facts) { return facts.name == "tokens"; });
  command
      ->add_option("--top-k", flags->top_k,
                   "write, for students that learn from this model, the K likeliest tokens of each place and the "
                   "token's own log pi, as arrays: -o FILE.npz (docs/records.md); begun anew where it is stopped")
      ->check(CLI::Range(std::size_t{1}, kMostLikeliest))
      ->default_str("");
  command->footer(
      "Example:\n"
      "  echo '{\"prompt\": \"Capital of France?\", \"responses\": [\"Paris.\", \"Rome.\"]}' | endorm score -\n"
      "Records: {\"id\"?, \"system\"?, \"prompt\": text or messages,\n"
      "          \"response\" | \"responses\" | \"chosen\" + \"rejected\" | \"steps\", \"truncated\"?,\n"
      "          \"alternatives\"?: system messages that the judge contrast takes}");
  add_merge_command(*command);
  add_compare_command(*command);
  command->callback([flags, command] {
    if (command->get_subcommands().empty()) {
      run_score(*flags);
    }
  });
}

}  // namespace endorm
