#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/open_input.h"
#include "app/cli/record_output.h"
#include "core/ascii_lower.h"
#include "core/errors.h"
#include "core/listed.h"
#include "engine/content_hash.h"
#include "report/terminal_text.h"
#include "score/field_map.h"
#include "score/record_edit.h"
#include "score/record_filter.h"
#include "score/score_table.h"

namespace endorm {
namespace {

struct FilterFlags {
  std::string input;
  std::string scores;
  std::string output = "-";
  std::string by = "reward";
  FilterRules rules;
  std::size_t top = 0;  // responses of each record that are kept; 0: all
  bool drop = false;    // the records that the rules drop are written, and not the others
  bool add_rewards = false;
};

struct FilterCounts {
  std::size_t records = 0;
  std::size_t written = 0;
  std::size_t unknown = 0;   // lack what a rule asks for
  std::size_t unscored = 0;  // have no row
};

bool asks_for_nothing(const FilterFlags& flags) {
  const FilterRules& rules = flags.rules;
  return !rules.min_reward && !rules.max_reward && !rules.min_margin && !rules.max_margin && !rules.from_quantile &&
         !rules.to_quantile && !rules.agrees && !rules.disagrees && flags.top == 0 && !flags.add_rewards;
}

// The text of a record that is kept.
std::string kept_text(const std::string& record, const RecordScores& scores, const FilterFlags& flags,
                      const std::string& response_list, CutNotes& notes) {
  std::vector<std::size_t> places(scores.scores.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  std::string text = record;
  if (flags.top > 0) {
    places = best_responses(scores, flags.top);
    text = with_responses(text, places, notes, response_list);
  }
  if (flags.add_rewards) {
    nlohmann::ordered_json rewards = nlohmann::ordered_json::array();
    for (const std::size_t place : places) {
      rewards.push_back(scores.scores[place]);  // NaN is written as null
    }
    text = with_fields(text, {{"rewards", std::move(rewards)}});
  }
  return text;
}

void run_filter(const FilterFlags& flags) {
  if (asks_for_nothing(flags)) {
    throw InvalidInput("[filter] no rule is given: see endorm filter --help, e.g. --min-reward, --agrees, --top");
  }
  const FilterRules& rules = flags.rules;
  for (const std::optional<double>& limit : {rules.min_reward, rules.max_reward, rules.min_margin, rules.max_margin,
                                             rules.from_quantile, rules.to_quantile}) {
    if (limit && std::isnan(*limit)) {
      throw InvalidInput("[filter] a rule is given no number (nan)");
    }
  }
  if (const std::string ending = ascii_lower(std::filesystem::path(flags.output).extension().string());
      ending == ".csv" || ending == ".tsv") {
    throw InvalidInput("[filter] records are written as JSON lines, no " + ending +
                       ". Give -o FILE.jsonl, or .parquet.");
  }
  refuse_input_as_output("filter", flags.input, flags.output);
  refuse_input_as_output("filter", flags.scores, flags.output);
  std::ifstream rows(flags.scores);
  if (!rows) {
    throw InvalidInput("[filter] " + flags.scores +
                       " cannot be read. Give the file that `endorm score -o FILE` wrote.");
  }
  const ScoreTable table = ScoreTable::read(rows, "filter", flags.scores, flags.by);
  const RecordFilter filter(flags.rules, table);
  const std::string response_list = FieldMap::parse(table.map()).list_of("responses");
  const std::unique_ptr<RecordInput> input = open_input(flags.input);
  RecordOutput output("filter", flags.output);
  FilterCounts counts;
  CutNotes notes;
  std::size_t row = 0;
  for (std::optional<InputLine> record = input->next(); record; record = input->next()) {
    ++counts.records;
    if (row == table.size() || record_key_number(record->key) != table[row].key) {
      ++counts.unscored;  // of another shard, or behind a limit
      continue;
    }
    const RecordScores scores = table[row++];
    const bool lacks_rewards =
        (flags.top > 0 && std::isnan(reward_of(scores))) || (flags.add_rewards && scores.scores.empty());
    const FilterVerdict verdict = lacks_rewards ? FilterVerdict::kUnknown : filter.verdict(scores);
    counts.unknown += verdict == FilterVerdict::kUnknown ? 1 : 0;
    if (verdict == (flags.drop ? FilterVerdict::kDrop : FilterVerdict::kKeep)) {
      try {
        output.write(kept_text(record->text, scores, flags, response_list, notes));
      } catch (const InvalidInput& error) {
        throw InvalidInput("[filter] line " + std::to_string(record->number) + ": " + error.what());
      }
      ++counts.written;
    }
  }
  if (row < table.size()) {
    throw InvalidInput("[filter] " + flags.scores + " is not of this data: the record of its line " +
                       std::to_string(table[row].line) + " is not in " + flags.input +
                       " behind those before it. Give the data that were scored.");
  }
  output.finish();
  std::fprintf(stderr, "%zu of %s written\n", counts.written, counted(counts.records, "record").c_str());
  if (counts.unknown > 0) {
    std::fprintf(stderr,
                 "endorm: %s without the reward, the second response or the label that is asked for: left out\n",
                 counted(counts.unknown, "record").c_str());
  }
  if (!notes.lists_left.empty()) {
    const auto quoted = [](const std::string& field) { return "\"" + terminal_line(field) + "\""; };
    std::fprintf(stderr, "endorm: lists of as many elements as there were responses, left whole: %s\n",
                 listed(notes.lists_left, quoted).c_str());
  }
  if (notes.with_large_numbers > 0) {
    std::fprintf(stderr, "endorm: %s with a whole number beyond 64 bits, which --top writes as a double\n",
                 counted(notes.with_large_numbers, "record").c_str());
  }
  if (counts.unscored > 0) {
    std::fprintf(stderr, "endorm: %s without a row in %s: left out\n", counted(counts.unscored, "record").c_str(),
                 flags.scores.c_str());
  }
}

}  // namespace

void add_filter_command(CLI::App& app) {
  auto flags = std::make_shared<FilterFlags>();
  CLI::App* command = app.add_subcommand("filter", "Keep or drop records by their rewards");
  command->add_option("input", flags->input, "the records that were scored, in any form of docs/records.md")
      ->required()
      ->default_str("");
  command->add_option("-s,--scores", flags->scores, "what `endorm score` or `endorm rank` wrote of them")
      ->required()
      ->default_str("");
  command->add_option(
      "-o,--output", flags->output,
      "records as they came, as JSON lines, or as Parquet where the name ends so; - is standard output");
  command->add_option("--by", flags->by,
                      "the number of a response that is its reward here: mean, log_prob, tokens, ...");
  const auto number = [&](const char* name, std::optional<double>& value, const char* help) {
    return command->add_option(name, value, help)->group("Rules: a record is kept that meets all")->default_str("");
  };
  FilterRules& rules = flags->rules;
  number("--min-reward", rules.min_reward, "at least; a record's reward is the chosen response's, or the best one's");
  number("--max-reward", rules.max_reward, "at most");
  number("--min-margin", rules.min_margin,
         "at least, of chosen less rejected (below 0: the reward disagrees), or of best less worst");
  number("--max-margin", rules.max_margin, "at most");
  number("--from-quantile", rules.from_quantile, "its reward is not below this quantile of all records' rewards")
      ->check(CLI::Range(0.0, 1.0));
  number("--to-quantile", rules.to_quantile, "nor above this one")->check(CLI::Range(0.0, 1.0));
  CLI::Option* agrees = command->add_flag("--agrees", rules.agrees, "the chosen response has the higher reward");
  command->add_flag("--disagrees", rules.disagrees, "the rejected response has the higher reward")->excludes(agrees);
  command->add_flag("--drop", flags->drop, "write the records that the rules drop, in the place of those they keep");
  command->add_option("--top", flags->top, "of each record the K best responses only")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}))
      ->default_str("")
      ->type_name("K");
  command->add_flag("--add-rewards", flags->add_rewards, "add the field \"rewards\", one a response");
  command->footer(
      "Example:\n"
      "  endorm score pairs.jsonl -o scored.jsonl\n"
      "  endorm filter pairs.jsonl --scores scored.jsonl --agrees --min-margin 0.5 -o kept.jsonl");
  command->callback([flags] { run_filter(*flags); });
}

}  // namespace endorm
