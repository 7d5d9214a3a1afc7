#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <sys/ioctl.h>
#include <unistd.h>

#include "app/cli/commands.h"
#include "app/cli/write_file.h"
#include "core/errors.h"
#include "report/report.h"
#include "report/table.h"

namespace endorm {
namespace {

struct ReportFlags {
  std::string input;
  std::string output;
  ReportOptions page;
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
    throw InvalidInput("[report] " + path + " cannot be read. Give a result file of `endorm score -o FILE`.");
  }
  return file;
}

void run_report(const ReportFlags& flags) {
  if (flags.output.empty() && !flags.table) {
    throw InvalidInput("[report] nothing to do: give -o FILE for a page, or --table for a table here");
  }
  if (flags.table) {
    std::ifstream lines = open_results(flags.input);
    std::fputs(render_table(lines, terminal_width(), flags.page.max_records).c_str(), stdout);
    std::fflush(stdout);  // before what goes to standard error
  }
  if (!flags.output.empty()) {
    std::ifstream lines = open_results(flags.input);
    const std::string page = render_report(lines, flags.page);
    write_file("report", page, flags.output);
    if (flags.output != "-") std::fprintf(stderr, "report: %s\n", flags.output.c_str());
  }
}

}  // namespace

void add_report_command(CLI::App& app) {
  auto flags = std::make_shared<ReportFlags>();
  CLI::App* command = app.add_subcommand("report", "Turn a result file into one HTML page, or a table in the terminal");
  command->add_option("results", flags->input, "result file of `endorm score`, best with --tokens")->required();
  command->add_option("-o,--output", flags->output, "HTML file to write; - is standard output");
  command->add_flag("--table", flags->table, "print a table");
  command->add_option("--title", flags->page.title, "title of the page")->capture_default_str();
  command->add_option("--max-records", flags->page.max_records, "records shown one by one (all are counted)")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->footer(
      "Example:\n  endorm score records.jsonl --tokens -o scored.jsonl\n  endorm report scored.jsonl -o report.html");
  command->callback([flags] { run_report(*flags); });
}

}  // namespace endorm
