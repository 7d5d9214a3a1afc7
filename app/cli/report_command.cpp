#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include <CLI/CLI.hpp>
#include <sys/ioctl.h>
#include <unistd.h>

#include "app/bench_settings.h"
#include "app/cli/commands.h"
#include "app/cli/open_input.h"
#include "app/cli/write_file.h"
#include "core/base64.h"
#include "core/errors.h"
#include "engine/read_whole_file.h"
#include "eval/bench_json.h"
#include "report/bench_page.h"
#include "report/bench_table.h"
#include "report/figure_data.h"
#include "report/records_page.h"
#include "report/records_table.h"
#include "report/run_file.h"
#include "report/run_page.h"
#include "report/run_table.h"
#include "score/media_source.h"

namespace endorm {
namespace {

struct ReportFlags {
  std::string input;
  std::string output;
  std::string csv;
  std::string latex;
  std::string title;
  std::size_t max_records = RecordsPageOptions().max_records;
  std::size_t refresh_seconds = 0;
  bool table = false;
};

std::size_t terminal_width() {
  constexpr std::size_t kUsual = 120;
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUsual;
}

std::ifstream open_results(const std::string& path) {
  std::ifstream file(path);
  if (!file || std::filesystem::is_directory(path)) {
    throw InvalidInput("[report] " + path +
                       " cannot be read. Give a result file of `endorm score -o FILE`, or the run.jsonl of a training "
                       "run.");
  }
  return file;
}

void say_written(const std::string& path, const char* more = "") {
  if (path != "-") {
    std::fprintf(stderr, "report: %s%s\n", path.c_str(), more);
  }
}

// A page of the log as it is now.
std::string run_page(const RunFile& run, const ReportFlags& flags, std::size_t refresh_seconds) {
  return render_run_page(run,
                         {.title = flags.title, .max_samples = flags.max_records, .refresh_seconds = refresh_seconds});
}

// Writes the page anew until the run has ended.
void follow_run(const ReportFlags& flags) {
  for (bool first = true;; first = false) {
    std::ifstream lines = open_results(flags.input);
    const RunFile run = read_run_log(lines);
    write_file("report", run_page(run, flags, run.finished() ? 0 : flags.refresh_seconds), flags.output);
    if (first) {
      say_written(flags.output, run.finished() ? "" : ", written anew until the run has ended");
    }
    if (run.finished()) {
      return;
    }
    std::this_thread::sleep_for(std::chrono::seconds(flags.refresh_seconds));
  }
}

bool saves_data(const ReportFlags& flags) { return !flags.csv.empty() || !flags.latex.empty(); }

// The table, where it is asked for or there is nothing else, the page, and the table's data.
void write_all(const ReportFlags& flags, const std::function<std::string()>& table,
               const std::function<std::string()>& page, const std::function<DataTable()>& data) {
  if (flags.table || (flags.output.empty() && !saves_data(flags))) {
    write_file("report", table(), "-");
  }
  if (!flags.output.empty()) {
    write_file("report", page(), flags.output);
    say_written(flags.output);
  }
  if (saves_data(flags)) {
    const DataTable saved = data();
    if (!flags.csv.empty()) {
      write_file("report", saved.csv(), flags.csv);
      say_written(flags.csv);
    }
    if (!flags.latex.empty()) {
      write_file("report", saved.latex(), flags.latex);
      say_written(flags.latex);
    }
  }
}

void report_run(const ReportFlags& flags) {
  if (flags.refresh_seconds > 0) {
    if (flags.output.empty() || flags.output == "-") {
      throw InvalidInput("[report] --refresh writes a page again and again: give its file with -o");
    }
    follow_run(flags);
    return;
  }
  std::ifstream lines = open_results(flags.input);
  const RunFile run = read_run_log(lines);
  write_all(
      flags, [&] { return run_table(run); }, [&] { return run_page(run, flags, 0); }, [&] { return run_data(run); });
}

constexpr std::size_t kImageBytes = std::size_t{32} << 20U;  // of all images that a page holds

// Of a file that lies where the run's records do; empty where there is none, or no room is left.
std::string image_uri(const std::string& source, const std::string& data_file, std::size_t& left) {
  std::vector<Message> messages{{"user", ""}};
  messages.front().media.push_back({0, source});
  try {
    load_media(messages, {std::filesystem::path(data_file).parent_path().string(), "", left});
  } catch (const InvalidInput&) {
    return {};
  }
  const Medium& medium = *messages.front().media.front().medium;
  if (medium.kind != MediumKind::kImage || medium.bytes.size() > left) {
    return {};
  }
  left -= medium.bytes.size();
  return "data:image;base64," + base64_of(std::vector<std::uint8_t>(medium.bytes.begin(), medium.bytes.end()));
}

void report_results(const ReportFlags& flags) {
  if (flags.output.empty() && !flags.table && !saves_data(flags)) {
    throw InvalidInput(
        "[report] nothing to do: give -o FILE for a page, --table for a table here, or --csv or --latex FILE for one "
        "elsewhere");
  }
  RecordsPageOptions options;
  options.image = [left = kImageBytes](const std::string& source, const std::string& data_file) mutable {
    return image_uri(source, data_file, left);
  };
  options.max_records = flags.max_records;
  options.title = flags.title.empty() ? options.title : flags.title;
  std::ifstream lines;
  const auto anew = [&]() -> std::ifstream& { return lines = open_results(flags.input); };
  write_all(
      flags, [&] { return render_records_table(anew(), terminal_width(), flags.max_records); },
      [&] { return render_records_page(anew(), options); }, [&] { return records_data(anew()); });
}

// A file of `endorm bench --json`: its figures are computed again from its rows.
void report_bench(const ReportFlags& flags) {
  BenchReport report = read_bench_json(read_whole_file("report", flags.input), flags.input);
  measure_report(report, metric_options_of(*report.manifest));
  write_all(
      flags, [&] { return bench_tables(report, TableForm::kTerminal); },
      [&] { return render_bench_page(report, {.title = flags.title}); }, [&] { return figure_data(report); });
}

void run_report(const ReportFlags& flags) {
  refuse_input_as_output("report", flags.input, flags.output);
  std::ifstream lines = open_results(flags.input);
  std::string first_line;
  std::getline(lines, first_line);
  if (begins_run_log(first_line)) {
    report_run(flags);
  } else if (flags.refresh_seconds > 0) {
    throw InvalidInput("[report] --refresh is for the log of a training run, and " + flags.input + " is none");
  } else if (first_line == "{") {  // a result file has a whole object a line
    report_bench(flags);
  } else {
    report_results(flags);
  }
}

}  // namespace

void add_report_command(CLI::App& app) {
  auto flags = std::make_shared<ReportFlags>();
  CLI::App* command = app.add_subcommand("report",
                                         "Turn a result file, a benchmark's JSON or the log of a training run into one "
                                         "HTML page, or a table in the terminal");
  command
      ->add_option("results", flags->input,
                   "result file of `endorm score`, best with --tokens; the file of `endorm bench --json`; or the "
                   "run.jsonl of a training run")
      ->required();
  command->add_option("-o,--output", flags->output, "HTML file to write; - is standard output");
  command->add_flag("--table", flags->table,
                    "print a table; of a run or a benchmark also where nothing else is asked for");
  command->add_option(
      "--csv", flags->csv,
      "file for the table as CSV: every response, every figure of a benchmark or every metric of a run, "
      "numbers with all their digits; - is standard output");
  command->add_option("--latex", flags->latex, "file for the same as a LaTeX tabular; - is standard output");
  command->add_option("--title", flags->title, "title of the page");
  command
      ->add_option("--max-records", flags->max_records,
                   "records shown one by one (all are counted); of a run, samples, evenly spaced")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--refresh", flags->refresh_seconds,
                   "of a run: write the page every so many seconds until the run has ended; in a browser it loads "
                   "itself anew as often")
      ->check(CLI::PositiveNumber)
      ->default_str("");
  command->footer(
      "Example:\n"
      "  endorm score records.jsonl --tokens -o scored.jsonl\n"
      "  endorm report scored.jsonl -o report.html\n"
      "  endorm report scored.jsonl --csv rewards.csv --latex rewards.tex\n"
      "  endorm report runs/first/run.jsonl -o run.html --refresh 10");
  command->callback([flags] { run_report(*flags); });
}

}  // namespace endorm
