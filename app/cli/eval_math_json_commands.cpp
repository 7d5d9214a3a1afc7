#include "app/cli/eval_math_json_commands.h"

#include <cstdio>
#include <map>
#include <memory>
#include <utility>

#include <CLI/CLI.hpp>

#include "app/cli/eval_math_manifest.h"
#include "app/cli/exit_status.h"
#include "app/cli/judges_run.h"
#include "app/cli/shard_files.h"
#include "app/cli/write_file.h"
#include "core/errors.h"
#include "eval/data_file.h"
#include "eval/math_json.h"
#include "eval/math_suites.h"
#include "report/math_page.h"
#include "report/math_table.h"
#include "report/terminal_text.h"

namespace endorm {
namespace {

void list() {
  std::printf("suites of eval math\n");
  for (const MathSuiteName& suite : math_suite_names()) {
    std::printf("  %-14s %s\n  %-14s file: %s\n  %-14s from: %s\n", std::string(suite.name).c_str(),
                std::string(suite.description).c_str(), "", std::string(suite.files).c_str(), "",
                std::string(suite.source).c_str());
  }
  std::printf("  %-14s a .json or .jsonl file of {\"question\", \"answer\"}\n", "one's own");
  print_judges();
}

struct MergeFlags {
  std::vector<std::string> files;
  MathOutputs outputs;
  bool no_rows = false;
};

// A judge's rows of all shards, in the order of the problems; those without samples have none.
MathJudge merged_judge(std::vector<MathReport>& shards, std::size_t judge, const std::vector<MathRow>& rows) {
  MathJudge merged{shards[0].judges[judge].name, shards[0].judges[judge].fingerprint, {}, 0};
  std::map<std::string, JudgedExample> by_id;
  for (MathReport& shard : shards) {
    for (JudgedExample& row : shard.judges.at(judge).rows) {
      std::string id = row.id;
      by_id.emplace(std::move(id), std::move(row));
    }
  }
  for (const MathRow& row : rows) {
    if (row.samples.empty()) {
      continue;
    }
    const auto found = by_id.find(row.problem.id);
    if (found == by_id.end()) {
      throw InvalidInput("[eval merge] " + merged.name + " has no rewards of " + row.problem.id);
    }
    merged.rows.push_back(std::move(found->second));
  }
  return merged;
}

// What is shown token by token of all shards, in the order of the problems.
std::vector<ShownProblem> merged_shown(std::vector<MathReport>& shards, const std::vector<MathRow>& rows) {
  std::map<std::string, ShownProblem> by_id;
  for (MathReport& shard : shards) {
    for (ShownProblem& problem : shard.shown) {
      std::string id = problem.id;
      by_id.emplace(std::move(id), std::move(problem));
    }
  }
  std::vector<ShownProblem> merged;
  for (const MathRow& row : rows) {
    if (const auto found = by_id.find(row.problem.id); found != by_id.end()) {
      merged.push_back(std::move(found->second));
    }
  }
  return merged;
}

void merge(const MergeFlags& flags) {
  const auto read = [](const std::string& path) { return read_math_json(read_data_file("eval merge", path), path); };
  std::vector<MathReport> shards = read_shards<MathReport>("eval merge", flags.files, read);
  MathReport report;
  report.manifest = without_shard(shards[0].manifest);
  report.faults = shards[0].faults;  // every shard reads all rows
  std::vector<std::vector<MathRow>> parts;
  parts.reserve(shards.size());
  for (MathReport& shard : shards) {
    parts.push_back(std::move(shard.rows));
  }
  report.rows = rows_in_turn("eval merge", std::move(parts));
  for (std::size_t judge = 0; judge < shards[0].judges.size(); ++judge) {
    report.judges.push_back(merged_judge(shards, judge, report.rows));
  }
  report.shown = merged_shown(shards, report.rows);
  measure_math(report, bootstrap_options_of(report.manifest));
  MathOutputs outputs = flags.outputs;
  outputs.rows = !flags.no_rows;
  write_math_report(report, outputs);
}

}  // namespace

void write_math_report(const MathReport& report, const MathOutputs& outputs) {
  std::fputs(math_tables(report, TableForm::kTerminal).c_str(), stdout);
  std::fflush(stdout);
  if (!outputs.markdown.empty()) {
    write_file("eval math", math_tables(report, TableForm::kMarkdown), outputs.markdown);
  }
  if (!outputs.json.empty()) {
    write_file("eval math", math_json(report, outputs.rows), outputs.json);
  }
  if (!outputs.html.empty()) {
    write_file("eval math", render_math_page(report), outputs.html);
  }
  std::size_t failed = 0;
  for (const MathCounts& counts : report.counts) {
    failed += counts.failed;
  }
  std::size_t unrewarded = 0;
  for (const MathJudge& judge : report.judges) {
    unrewarded += judge.failed;
  }
  if (failed + unrewarded + report.faults.size() > 0) {
    throw RowsFailed("finished; " + counted(report.faults.size(), "row") + " of the files left out, " +
                     counted(failed, "problem") + " not asked, " + counted(unrewarded, "reward") +
                     " missing: the notes above and --json say why");
  }
}

void add_eval_json_commands(CLI::App& eval) {
  eval.add_subcommand("list", "List suites, with the files that they read, and judges")->callback(list);

  auto merged = std::make_shared<MergeFlags>();
  CLI::App* command = eval.add_subcommand("merge", "Join the --json files of all shards: the figures of the whole");
  command->add_option("files", merged->files, "a file of eval math --shard i/n --json for every i")->required();
  command->add_option("--json", merged->outputs.json, "write everything to this file");
  command->add_flag("--no-rows", merged->no_rows, "--json without the problems and their samples");
  command->add_option("--markdown", merged->outputs.markdown, "write the tables to this file");
  command->add_option("--html", merged->outputs.html, "write one page with tables, plots and samples to this file");
  command->footer("Example:\n  endorm eval merge shard-1.json shard-2.json --json whole.json");
  command->callback([merged] { merge(*merged); });
}

}  // namespace endorm
