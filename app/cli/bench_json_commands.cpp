#include "app/cli/bench_json_commands.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <utility>

#include <CLI/CLI.hpp>

#include "app/cli/bench_manifest.h"
#include "app/cli/exit_status.h"
#include "app/cli/scoring_run.h"
#include "app/cli/write_file.h"
#include "core/errors.h"
#include "eval/bench_json.h"
#include "eval/benchmarks.h"
#include "judge/judge.h"
#include "report/bench_page.h"
#include "report/bench_table.h"
#include "report/terminal_text.h"

namespace endorm {
namespace {

BenchReport read_report(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw InvalidInput("[bench] cannot read " + path);
  }
  return read_bench_json(std::string(std::istreambuf_iterator<char>(file), {}), path);
}

void list() {
  std::printf("benchmarks\n");
  for (const BenchmarkName& benchmark : benchmark_names()) {
    std::printf("  %-14s %s\n  %-14s files: %s\n  %-14s from: %s\n", std::string(benchmark.name).c_str(),
                std::string(benchmark.description).c_str(), "", std::string(benchmark.files).c_str(), "",
                std::string(benchmark.source).c_str());
  }
  std::printf("judges\n");
  for (const JudgeName& judge : judge_names()) {
    std::printf("  %-22s %s\n", std::string(judge.name).c_str(), std::string(judge.description).c_str());
  }
}

const JudgeReport& judge_named(const BenchReport& report, const std::string& name, const std::string& path) {
  for (const JudgeReport& judge : report.judges) {
    if (judge.name == name) return judge;
  }
  throw InvalidInput("[bench compare] " + path + " has no judge called \"" + name + "\"");
}

struct CompareFlags {
  std::vector<std::string> files;
  std::vector<std::string> judges;
};

void compare(const CompareFlags& flags) {
  if (flags.files.size() != 2 || (!flags.judges.empty() && flags.judges.size() != 2)) {
    throw InvalidInput("[bench compare] give two files, and with --judge two names");
  }
  const BenchReport first = read_report(flags.files[0]);
  const BenchReport second = read_report(flags.files[1]);
  if (first.benchmark != second.benchmark) {
    throw InvalidInput("[bench compare] " + flags.files[0] + " is of " + first.benchmark + " and " + flags.files[1] +
                       " of " + second.benchmark);
  }
  std::vector<std::pair<std::string, std::string>> pairs;
  if (!flags.judges.empty()) {
    pairs.emplace_back(flags.judges[0], flags.judges[1]);
  } else if (first.judges.size() == 1 && second.judges.size() == 1) {
    pairs.emplace_back(first.judges[0].name, second.judges[0].name);
  } else {
    for (const JudgeReport& judge : first.judges) {
      if (std::any_of(second.judges.begin(), second.judges.end(),
                      [&](const JudgeReport& other) { return other.name == judge.name; })) {
        pairs.emplace_back(judge.name, judge.name);
      }
    }
  }
  if (pairs.empty()) {
    throw InvalidInput("[bench compare] the files have no judge in common: say which with --judge A,B");
  }
  const MetricOptions options = metric_options_of(first.manifest);
  for (const auto& [name, other] : pairs) {
    const JudgeComparison comparison = compare_judges(first.benchmark, judge_named(first, name, flags.files[0]).rows,
                                                      judge_named(second, other, flags.files[1]).rows, options);
    std::fputs(comparison_table(name + " (1)", other + " (2)", comparison, TableForm::kTerminal).c_str(), stdout);
  }
}

struct MergeFlags {
  std::vector<std::string> files;
  ReportOutputs outputs;
  bool no_rows = false;
};

[[noreturn]] void refuse_twice(const std::string& shard, const std::string& path) {
  throw InvalidInput("[bench merge] shard " + shard + " is there twice, once in " + path);
}

// The shards of one run in their order. Throws where one is missing or of another run.
std::vector<BenchReport> shards_of(const std::vector<std::string>& paths) {
  std::map<std::size_t, BenchReport> shards;
  std::size_t count = paths.size();
  for (const std::string& path : paths) {
    BenchReport report = read_report(path);
    const std::string text = shard_of(report.manifest);
    if (text.empty()) {
      throw InvalidInput("[bench merge] " + path + " is of a whole run, not of a shard");
    }
    const Shard shard = shard_from(text);
    count = shard.count;
    const bool same =
        shards.empty() || (without_shard(shards.begin()->second.manifest) == without_shard(report.manifest) &&
                           shards.begin()->second.judges.size() == report.judges.size());
    if (!same) {
      throw InvalidInput("[bench merge] " + path + " was made with other settings, files or model than " + paths[0]);
    }
    if (!shards.emplace(shard.index, std::move(report)).second) {
      refuse_twice(text, path);
    }
  }
  std::vector<BenchReport> ordered;
  for (std::size_t i = 1; i <= count; ++i) {
    if (!shards.contains(i)) {
      throw InvalidInput("[bench merge] shard " + std::to_string(i) + "/" + std::to_string(count) + " is missing");
    }
    ordered.push_back(std::move(shards.at(i)));
  }
  if (ordered.size() != paths.size()) {
    throw InvalidInput("[bench merge] the files are of runs with different numbers of shards");
  }
  return ordered;
}

// Examples were dealt out in turn: they are taken up in turn.
std::vector<JudgedExample> rows_in_turn(std::vector<BenchReport>& shards, std::size_t judge) {
  std::size_t count = 0;
  for (const BenchReport& shard : shards) {
    count += shard.judges.at(judge).rows.size();
  }
  std::vector<JudgedExample> rows;
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<JudgedExample>& own = shards[i % shards.size()].judges.at(judge).rows;
    if (i / shards.size() >= own.size()) {
      throw InvalidInput("[bench merge] shard " + std::to_string(i % shards.size() + 1) + " has " +
                         counted(own.size(), "row") + " of " + std::to_string(count) + " in all: some are missing");
    }
    rows.push_back(std::move(own[i / shards.size()]));
  }
  return rows;
}

void merge(const MergeFlags& flags) {
  std::vector<BenchReport> shards = shards_of(flags.files);
  BenchReport report;
  report.benchmark = shards[0].benchmark;
  report.manifest = without_shard(shards[0].manifest);
  report.faults = shards[0].faults;  // every shard reads all rows
  report.notes = shards[0].notes;
  const MetricOptions options = metric_options_of(report.manifest);
  for (std::size_t judge = 0; judge < shards[0].judges.size(); ++judge) {
    const JudgeReport& own = shards[0].judges[judge];
    std::string name = own.name;
    std::string fingerprint = own.fingerprint;
    report.judges.push_back(
        report_on(report.benchmark, std::move(name), std::move(fingerprint), rows_in_turn(shards, judge), options));
  }
  add_comparisons(report, options);
  ReportOutputs outputs = flags.outputs;
  outputs.rows = !flags.no_rows;
  write_report(report, outputs);
}

}  // namespace

void write_report(const BenchReport& report, const ReportOutputs& outputs) {
  std::fputs(bench_tables(report, TableForm::kTerminal).c_str(), stdout);
  std::fflush(stdout);
  if (!outputs.markdown.empty()) {
    write_file("bench", bench_tables(report, TableForm::kMarkdown), outputs.markdown);
  }
  if (!outputs.json.empty()) {
    write_file("bench", bench_json(report, outputs.rows), outputs.json);
  }
  if (!outputs.html.empty()) {
    write_file("bench", render_bench_page(bench_json(report, true)), outputs.html);
  }
  std::size_t failed = 0;
  for (const JudgeReport& judge : report.judges) {
    failed += judge.counts.failed_responses + judge.counts.failed_comparisons;
  }
  if (failed + report.faults.size() > 0) {
    throw RowsFailed("finished; " + counted(report.faults.size(), "row") + " of the files left out, " +
                     counted(failed, "verdict") + " missing: the notes above and --json say why");
  }
}

void add_bench_json_commands(CLI::App& bench) {
  bench.add_subcommand("list", "List benchmarks, with the files that they read, and judges")->callback(list);

  auto compared = std::make_shared<CompareFlags>();
  CLI::App* compare_command =
      bench.add_subcommand("compare", "Compare the judges of two --json files, example by example");
  compare_command->add_option("files", compared->files, "two files of bench --json")->required()->expected(2);
  compare_command->add_option("-j,--judge", compared->judges, "a judge of the first file and one of the second: A,B")
      ->delimiter(',');
  compare_command->footer("Example:\n  endorm bench compare smollm2.json gemma.json --judge endorm,endorm");
  compare_command->callback([compared] { compare(*compared); });

  auto merged = std::make_shared<MergeFlags>();
  CLI::App* merge_command =
      bench.add_subcommand("merge", "Join the --json files of all shards: the figures of the whole");
  merge_command->add_option("files", merged->files, "a file of bench --shard i/n --json for every i")->required();
  merge_command->add_option("--json", merged->outputs.json, "write everything to this file");
  merge_command->add_flag("--no-rows", merged->no_rows, "--json without the verdicts on every example");
  merge_command->add_option("--markdown", merged->outputs.markdown, "write the tables to this file");
  merge_command->add_option("--html", merged->outputs.html, "write one page with tables and plots to this file");
  merge_command->footer("Example:\n  endorm bench merge shard-1.json shard-2.json --json whole.json");
  merge_command->callback([merged] { merge(*merged); });
}

}  // namespace endorm
