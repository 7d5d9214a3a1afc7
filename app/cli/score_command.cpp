#include <memory>

#include <CLI/CLI.hpp>

#include "app/cli/commands.h"
#include "app/cli/scoring_run.h"

namespace endorm {
namespace {

struct ScoreFlags {
  ScoringRunFlags run;
  bool tokens = false;
};

void run_score(const ScoreFlags& flags) {
  const RowOptions rows{flags.tokens, flags.run.scoring.steps};
  run_scoring("score", flags.run, rows,
              [&](const Request& request, const Scored& scored) { return scored_row(request, scored, rows); });
}

}  // namespace

void add_score_command(CLI::App& app) {
  auto flags = std::make_shared<ScoreFlags>();
  CLI::App* command = app.add_subcommand("score", "Score responses: JSON lines in, JSON lines out");
  add_scoring_run_flags(*command, flags->run);
  command->add_flag("--tokens", flags->tokens,
                    "add every token's r, Q, V, log pi and entropy (and the prompt) to the rows");
  command->footer(
      "Example:\n"
      "  echo '{\"prompt\": \"Capital of France?\", \"responses\": [\"Paris.\", \"Rome.\"]}' | endorm score -\n"
      "Records: {\"id\"?, \"system\"?, \"prompt\": text or messages,\n"
      "          \"response\" | \"responses\" | \"chosen\" + \"rejected\" | \"steps\", \"truncated\"?,\n"
      "          \"alternatives\"?: system messages that the judge contrast takes}");
  command->callback([flags] { run_score(*flags); });
}

}  // namespace endorm
