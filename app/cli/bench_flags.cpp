#include "app/cli/bench_flags.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/cli/exit_status.h"
#include "app/cli/judges_run.h"
#include "app/cli/open_input.h"
#include "app/cli/option_flags.h"
#include "app/cli/shard_files.h"
#include "app/cli/write_file.h"
#include "core/errors.h"
#include "eval/bench_json.h"
#include "eval/benchmarks.h"
#include "report/bench_page.h"
#include "report/bench_table.h"
#include "report/comparison_tables.h"
#include "report/terminal_text.h"

namespace endorm {
namespace {

void list() {
  print_names("benchmarks", benchmark_names());
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
  const BenchReport first = read_report("bench compare", flags.files[0]);
  const BenchReport second = read_report("bench compare", flags.files[1]);
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
  const MetricOptions options = metric_options_of(*first.manifest);
  for (const auto& [name, other] : pairs) {
    const JudgeComparison comparison = compare_judges(first.benchmark, judge_named(first, name, flags.files[0]).rows,
                                                      judge_named(second, other, flags.files[1]).rows, options);
    std::fputs(comparison_table(name + " (1)", other + " (2)", comparison, TableForm::kTerminal).c_str(), stdout);
  }
}

struct MergeFlags {
  std::vector<std::string> files;
  ReportOutputs outputs;
};

void add_output_flags(CLI::App& command, ReportOutputs& outputs) {
  command.option_defaults()->group("Output");
  command.add_option("--json", outputs.json, "write everything to this file");
  command.add_flag("--no-rows", outputs.no_rows, "--json without the verdicts on every example, and without responses");
  command.add_option("--markdown", outputs.markdown, "write the tables to this file");
  command.add_option("--html", outputs.html,
                     "write one page with tables, plots, and pairs or responses that are shown to this file");
}

}  // namespace

void add_bench_flags(CLI::App& command, BenchFlags& flags, const std::function<bool(const OptionFacts&)>& wanted) {
  add_option_flags(command, bench_options(), static_cast<BenchSettings&>(flags), wanted);
  add_output_flags(command, flags.outputs);
  command.add_option(
      "--shown", flags.shown,
      "pairs that are kept token by token, half won and half lost; or questions with all their responses");
  command.add_option(
      "--rows", flags.rows,
      "directory: a file of verdicts a judge (and one of samples), continued where an earlier run stopped");
  command.add_flag("--overwrite", flags.overwrite, "start the files of --rows anew");
  command.add_option("--cache", flags.cache,
                     "file of token statistics (default: statistics.db in the cache directory that doctor names)");
  command.add_flag("--no-cache", flags.no_cache, "keep no token statistics");
  add_reward_flags(command, flags.scoring);
  add_option_flags(command, judge_options(), flags.judge);
  add_option_flags(command, engine_options(), flags.engine);
}

void check_outputs(const std::string& command, const ReportOutputs& outputs, std::span<const std::string> inputs) {
  for (const std::string& input : inputs) {
    refuse_input_as_output(command, input, outputs.json, "--json");
    refuse_input_as_output(command, input, outputs.markdown, "--markdown");
    refuse_input_as_output(command, input, outputs.html, "--html");
  }
  check_directories(command, std::vector{outputs.json, outputs.markdown, outputs.html});
}

void write_report(const std::string& command, const BenchReport& report, const ReportOutputs& outputs) {
  std::fputs(bench_tables(report, TableForm::kTerminal).c_str(), stdout);
  std::fflush(stdout);
  if (!outputs.markdown.empty()) {
    write_file(command, bench_tables(report, TableForm::kMarkdown), outputs.markdown);
  }
  if (!outputs.json.empty()) {
    write_file(command, bench_json(report, !outputs.no_rows), outputs.json);
  }
  if (!outputs.html.empty()) {
    write_file(command, render_bench_page(report), outputs.html);
  }
  std::size_t failed = 0;
  for (const JudgeReport& judge : report.judges) {
    failed += judge.counts.failed_responses + judge.counts.failed_comparisons;
  }
  std::size_t not_asked = 0;
  for (const ResponseCounts& counts : report.responses ? report.responses->counts : std::vector<ResponseCounts>()) {
    not_asked += counts.failed;
  }
  if (failed + not_asked + report.faults.size() > 0) {
    throw RowsFailed("finished; " + counted(report.faults.size(), "row") + " of the files left out, " +
                     (not_asked > 0 ? counted(not_asked, "question") + " not asked, " : "") +
                     counted(failed, "verdict") + " missing: the notes above and --json say why");
  }
}

void add_bench_json_commands(CLI::App& bench) {
  bench.add_subcommand("list", "List benchmarks, with the files that they read, and judges")->callback(list);

  auto compared = std::make_shared<CompareFlags>();
  CLI::App* compare_command =
      bench.add_subcommand("compare", "Compare the judges of two --json files, example by example");
  compare_command->add_option("files", compared->files, "two files of bench --json")
      ->required()
      ->expected(2)
      ->default_str("");
  compare_command->add_option("-j,--judge", compared->judges, "a judge of the first file and one of the second: A,B")
      ->delimiter(',')
      ->default_str("");
  compare_command->footer("Example:\n  endorm bench compare smollm2.json gemma.json --judge endorm,endorm");
  compare_command->callback([compared] { compare(*compared); });

  add_merge_command(bench, "bench");
}

void add_merge_command(CLI::App& parent, const std::string& command) {
  auto flags = std::make_shared<MergeFlags>();
  CLI::App* merge = parent.add_subcommand("merge", "Join the --json files of all shards: the figures of the whole");
  merge->add_option("files", flags->files, "a file of --shard i/n --json for every i")->required()->default_str("");
  add_output_flags(*merge, flags->outputs);
  merge->footer("Example:\n  endorm " + command + " merge shard-1.json shard-2.json --json whole.json");
  merge->callback([flags, command] {
    BenchReport report = merged_report(command + " merge", flags->files);
    measure_report(report, metric_options_of(*report.manifest));
    write_report(command, report, flags->outputs);
  });
}

}  // namespace endorm
