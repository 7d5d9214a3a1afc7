#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/exit_status.h"
#include "app/cli/open_input.h"
#include "app/cli/preference_pairs.h"
#include "app/cli/scoring_run.h"
#include "app/cli/several_models.h"
#include "app/cli/write_file.h"
#include "core/errors.h"
#include "engine/message_json.h"
#include "engine/nameless_file.h"
#include "score/field_map.h"
#include "score/parquet_file.h"
#include "score/ranking.h"
#include "score/scored_json.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

struct RankFlags {
  ScoringRunFlags run;
  std::string pairs;
  double minimum_margin = 0.0;
};

// What the response is: its text, the rest of its message, or its token ids.
void put_response(const RequestResponse& response, Json& entry) {
  if (response.ids && response.text.text.empty()) {
    entry["ids"] = *response.ids;
    return;
  }
  entry["text"] = response.text.text;
  if (!response.text.fields.empty()) {
    entry["fields"] = Json::parse(response.text.fields);
  }
}

// Responses from best to worst; those without a score are left out and named under "errors".
std::string rank_row(const Request& request, const Scored& scored) {
  const std::vector<std::size_t> order = ranking(scored);
  Json errors = Json::array();
  for (std::size_t i = 0; i < scored.responses.size(); ++i) {
    if (!scored.responses[i].scored) {
      errors.push_back({{"index", i}, {"error", scored.responses[i].error}});
    }
  }
  const auto reward = [&](std::size_t index) { return scored.responses[index].scored->reward; };

  Json row{{"id", request.id}, {"line", request.line}, {"key", request.key}};
  if (request.columns) {
    row["columns"] = *request.columns;
  }
  if (request.chosen_first) {
    row["chosen"] = 0;
  }
  row["messages"] = message_list<Json>(request.messages);
  const auto cut = std::find_if(scored.responses.begin(), scored.responses.end(), [](const ScoredOutcome& outcome) {
    return outcome.scored && outcome.scored->truncated_left > 0;
  });
  if (cut != scored.responses.end()) {
    row["truncated_left"] = cut->scored->truncated_left;  // of every response's prompt
  }
  row["ranking"] = Json::array();
  for (std::size_t place = 0; place < order.size(); ++place) {
    Json entry{{"index", order[place]}, {"reward", reward(order[place])}};
    put_response(request.responses[order[place]], entry);
    if (const auto& context = scored.responses[order[place]].scored->context) {
      entry["context"] = context_name(*context);
    }
    if (place + 1 < order.size()) {
      entry["probability_over_next"] = preference_probability(reward(order[place]), reward(order[place + 1]));
    }
    row["ranking"].push_back(std::move(entry));
  }
  if (!errors.empty()) {
    row["errors"] = std::move(errors);
  }
  return row.dump();
}

// Whether rows that are written to it can be read again.
bool keeps_rows(const std::string& output) {
  return output != "-" && (!std::filesystem::exists(output) || std::filesystem::is_regular_file(output));
}

// Ranks, and makes pairs of the ranking and the records, each of which is kept aside where it cannot be read again.
void rank_one(const RankFlags& flags, RunAside aside = {}) {
  if (flags.pairs.empty()) {
    run_scoring("rank", flags.run, RowOptions{}, rank_row, aside);
    return;
  }
  if (flags.pairs == "-" || (std::filesystem::exists(flags.pairs) && !std::filesystem::is_regular_file(flags.pairs))) {
    throw InvalidInput("[rank] --pairs needs a file, and " + flags.pairs + " is none.");
  }
  if (is_parquet_name(flags.run.output.output)) {
    throw InvalidInput("[rank] --pairs reads the ranking again, and no Parquet. Give -o FILE.jsonl.");
  }
  check_directories("rank", std::span(&flags.pairs, 1));
  for (const std::string& other : {flags.run.input, flags.run.output.output}) {
    refuse_input_as_output("rank", other, flags.pairs, "--pairs");
  }
  const std::filesystem::path folder = std::filesystem::path(flags.pairs).parent_path();
  const NamelessFile kept_input(folder);
  const NamelessFile kept_ranking(folder);
  const bool reads_stream = flags.run.input == "-";
  const std::string records = reads_stream ? kept_input.path() : flags.run.input;
  aside.copy = reads_stream ? records : "";
  const bool rows_kept = keeps_rows(flags.run.output.output);
  const std::string rows = rows_kept ? flags.run.output.output : kept_ranking.path();
  std::exception_ptr failed_rows;
  try {
    std::ofstream kept;
    if (!rows_kept) {
      kept.open(rows);
    }
    run_scoring(
        "rank", flags.run, RowOptions{},
        [&](const Request& request, const Scored& scored) {
          std::string row = rank_row(request, scored);
          kept << row << '\n';  // nothing where it is not open
          return row;
        },
        aside);
  } catch (const RowsFailed&) {
    failed_rows = std::current_exception();
  }
  std::ifstream ranking(rows);
  const std::unique_ptr<RecordInput> again =
      mapped_records(reads_stream ? kept_records(records) : open_input(records), FieldMap::parse(flags.run.map));
  write_preference_pairs(ranking, *again, flags.pairs, flags.minimum_margin);
  if (failed_rows) {
    std::rethrow_exception(failed_rows);
  }
}

void run_rank(const RankFlags& flags) {
  const std::vector<std::string> models = models_named(flags.run.engine.model);
  if (models.size() == 1) {
    rank_one(flags);
    return;
  }
  run_each_model("rank", flags.run, models,
                 [&](const ScoringRunFlags& run, const std::string& label, const RunAside& aside) {
                   RankFlags own = flags;
                   own.run = run;
                   own.pairs = flags.pairs.empty() ? "" : file_of_model(flags.pairs, label);
                   rank_one(own, aside);
                 });
}

}  // namespace

void add_rank_command(CLI::App& app) {
  auto flags = std::make_shared<RankFlags>();
  CLI::App* command = app.add_subcommand("rank", "Order the responses of each prompt: best of N, preference pairs");
  add_scoring_run_flags(*command, flags->run);
  command->add_option("--pairs", flags->pairs,
                      "write preference pairs, as trainers read them: of records with a label these records and their "
                      "rewards, of others best against worst; .jsonl or .parquet");
  command
      ->add_option("--min-margin", flags->minimum_margin, "leave out pairs whose rewards differ by no more than this")
      ->check(CLI::NonNegativeNumber);
  command->footer("Example:\n  endorm rank samples.jsonl -o ranked.jsonl --pairs pairs.jsonl");
  command->callback([flags] { run_rank(*flags); });
}

}  // namespace endorm
