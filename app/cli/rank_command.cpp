#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/exit_status.h"
#include "app/cli/scoring_run.h"
#include "app/cli/write_file.h"
#include "core/errors.h"
#include "engine/message_json.h"
#include "report/terminal_text.h"
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

// Best against worst of every record, in the form that preference trainers read.
void write_pairs(const std::string& ranking_path, const std::string& pairs_path, double minimum_margin) {
  std::ifstream ranking(ranking_path);
  OutputFile pairs("rank", pairs_path);
  std::size_t written = 0;
  std::size_t records = 0;
  std::size_t without_text = 0;
  for (std::string line; std::getline(ranking, line);) {
    const Json row = Json::parse(line);
    if (row.contains("manifest")) {
      write_file("rank", row.dump(2) + "\n", pairs_path + ".manifest.json");
      continue;
    }
    ++records;
    if (!row.contains("ranking") || row["ranking"].size() < 2) {
      continue;
    }
    if (!row["ranking"].front().contains("text") || !row["ranking"].back().contains("text")) {
      ++without_text;
      continue;
    }
    const Json& best = row["ranking"].front();
    const Json& worst = row["ranking"].back();
    const double chosen = best["reward"];
    const double rejected = worst["reward"];
    if (chosen - rejected <= minimum_margin) {
      continue;
    }
    const auto answer = [](const Json& entry) {
      Json message{{"role", "assistant"}, {"content", entry["text"]}};
      message.update(entry.value("fields", Json::object()));
      return Json::array({std::move(message)});
    };
    const Json pair{{"prompt", row["messages"]},   {"chosen", answer(best)},
                    {"rejected", answer(worst)},   {"chosen_reward", chosen},
                    {"rejected_reward", rejected}, {"probability", preference_probability(chosen, rejected)}};
    pairs.write(pair.dump() + "\n");
    ++written;
  }
  pairs.finish();
  if (without_text > 0) {
    std::fprintf(stderr, "endorm: no pair of %s whose responses are token ids alone: take those from the ranking\n",
                 counted(without_text, "record").c_str());
  }
  std::fprintf(stderr, "%s from %s in %s\n", counted(written, "pair").c_str(), counted(records, "record").c_str(),
               pairs_path.c_str());
}

void run_rank(const RankFlags& flags) {
  if (!flags.pairs.empty() && flags.run.output.output == "-") {
    throw InvalidInput("[rank] --pairs needs the ranking in a file: give -o FILE as well");
  }
  check_directories("rank", std::span(&flags.pairs, 1));
  std::exception_ptr failed_rows;
  try {
    run_scoring("rank", flags.run, RowOptions{}, rank_row);
  } catch (const RowsFailed&) {
    failed_rows = std::current_exception();
  }
  if (!flags.pairs.empty()) {
    write_pairs(flags.run.output.output, flags.pairs, flags.minimum_margin);
  }
  if (failed_rows) {
    std::rethrow_exception(failed_rows);
  }
}

}  // namespace

void add_rank_command(CLI::App& app) {
  auto flags = std::make_shared<RankFlags>();
  CLI::App* command = app.add_subcommand("rank", "Order the responses of each prompt: best of N, preference pairs");
  add_scoring_run_flags(*command, flags->run);
  command->add_option("--pairs", flags->pairs,
                      "write best against worst as chosen/rejected pairs, as preference trainers read them");
  command
      ->add_option("--min-margin", flags->minimum_margin, "leave out pairs whose rewards differ by no more than this")
      ->check(CLI::NonNegativeNumber);
  command->footer("Example:\n  endorm rank samples.jsonl -o ranked.jsonl --pairs pairs.jsonl");
  command->callback([flags] { run_rank(*flags); });
}

}  // namespace endorm
