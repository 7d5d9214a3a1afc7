#include "app/cli/bench_json_commands.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <utility>

#include <CLI/CLI.hpp>

#include "app/bench_settings.h"
#include "app/cli/exit_status.h"
#include "app/cli/judges_run.h"
#include "app/cli/shard_files.h"
#include "app/cli/write_file.h"
#include "core/errors.h"
#include "eval/bench_json.h"
#include "eval/benchmarks.h"
#include "eval/data_file.h"
#include "report/bench_page.h"
#include "report/bench_table.h"
#include "report/terminal_text.h"

namespace endorm {
namespace {

BenchReport read_report(const std::string& path) { return read_bench_json(read_data_file("bench", path), path); }

void list() {
  std::printf("benchmarks\n");
  for (const BenchmarkName& benchmark : benchmark_names()) {
    std::printf("  %-14s %s\n  %-14s files: %s\n  %-14s from: %s\n", std::string(benchmark.name).c_str(),
                std::string(benchmark.description).c_str(), "", std::string(benchmark.files).c_str(), "",
                std::string(benchmark.source).c_str());
  }
  print_judges();
}

const JudgeReport& judge_named(const BenchReport& report, const std::string& name, const std::string& path) {
  for (const JudgeReport& judge : report.judges) {
    if (judge.name == name) {
      return judge;
    }
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

void merge(const MergeFlags& flags) {
  std::vector<BenchReport> shards = read_shards<BenchReport>("bench merge", flags.files, read_report);
  BenchReport report;
  report.benchmark = shards[0].benchmark;
  report.manifest = without_shard(shards[0].manifest);
  report.faults = shards[0].faults;  // every shard reads all rows
  report.notes = shards[0].notes;
  for (std::size_t judge = 0; judge < shards[0].judges.size(); ++judge) {
    JudgeReport& own = report.judges.emplace_back();
    own.name = shards[0].judges[judge].name;
    own.fingerprint = shards[0].judges[judge].fingerprint;
    std::vector<std::vector<JudgedExample>> parts;
    parts.reserve(shards.size());
    for (BenchReport& shard : shards) {
      parts.push_back(std::move(shard.judges.at(judge).rows));
    }
    own.rows = rows_in_turn("bench merge", std::move(parts));
  }
  measure_report(report, metric_options_of(report.manifest));
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
    write_file("bench", render_bench_page(report), outputs.html);
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
