#include <cstdio>
#include <fstream>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/exit_status.h"
#include "core/errors.h"
#include "grade/grade.h"
#include "score/json_check.h"
#include "score/line_reader.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

struct GradeFlags {
  std::string input = "-";
  std::string output = "-";
  GradeOptions options;
};

struct Counts {
  std::size_t records = 0;
  std::size_t correct = 0;
  std::size_t wrong = 0;
  std::size_t unparsable = 0;
  std::size_t failed = 0;
};

// A number in JSON is its own text: 27.0 stays "27.0".
std::string text_field(const Json& record, const char* name) {
  const auto found = record.find(name);
  if (found == record.end()) {
    throw InvalidInput(std::string("[grade] the record has no field \"") + name + "\"");
  }
  if (found->is_string()) {
    return found->get<std::string>();
  }
  if (found->is_number()) {
    return found->dump();
  }
  throw InvalidInput(std::string("[grade] \"") + name + "\" is neither text nor a number");
}

Json graded_row(const InputLine& line, const GradeOptions& options, Counts& counts) {
  Json row;
  try {
    if (line.error) {
      throw InvalidInput(*line.error);
    }
    check_json(line.text);
    const Json record = Json::parse(line.text);
    if (!record.is_object()) {
      throw InvalidInput("[grade] the record is no JSON object");
    }
    row["id"] = record.contains("id") ? record["id"] : Json(line.number);
    GradeOptions record_options = options;
    if (const auto tolerance = record.find("tolerance"); tolerance != record.end() && !tolerance->is_null()) {
      if (!tolerance->is_number() || tolerance->get<double>() < 0.0) {
        throw InvalidInput("[grade] \"tolerance\" is no number that is 0 or more");
      }
      record_options.tolerance = tolerance->get<double>();
    }
    const Grade found = grade(text_field(record, "answer"), text_field(record, "reference"), record_options);
    row["verdict"] = verdict_name(found.verdict);
    if (found.side) {
      row["side"] = *found.side == Side::kAnswer ? "answer" : "reference";
    }
    row["answer_normal"] = found.answer_normal;
    row["reference_normal"] = found.reference_normal;
    row["reason"] = found.reason;
    ++(found.verdict == Verdict::kCorrect ? counts.correct
       : found.verdict == Verdict::kWrong ? counts.wrong
                                          : counts.unparsable);
  } catch (const InvalidInput& error) {
    ++counts.failed;
    if (!row.contains("id")) {
      row["id"] = line.number;
    }
    row["line"] = line.number;
    row["error"] = error.what();
  }
  return row;
}

void run_grade(const GradeFlags& flags) {
  std::unique_ptr<LineReader> reader = flags.input == "-" ? std::make_unique<LineReader>(0, "standard input")
                                                          : std::make_unique<LineReader>(flags.input);
  std::ofstream file;
  if (flags.output != "-") {
    file.open(flags.output, std::ios::binary);
    if (!file) {
      throw EngineError("[grade] " + flags.output + " cannot be written. Does the directory exist?");
    }
  }
  Counts counts;
  while (const auto line = reader->next()) {
    ++counts.records;
    const std::string row =
        graded_row(*line, flags.options, counts).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    const bool written = flags.output == "-" ? std::fwrite(row.data(), 1, row.size(), stdout) == row.size()
                                             : static_cast<bool>(file << row);
    if (!written) {
      throw EngineError("[grade] a row could not be written. Is the disk full?");
    }
  }
  const bool closed = flags.output == "-" ? std::fflush(stdout) == 0 : (file.close(), !file.fail());
  if (!closed) {
    throw EngineError("[grade] the last rows could not be written. Is the disk full?");
  }
  std::fprintf(stderr, "%zu graded: %zu correct, %zu wrong, %zu unparsable\n", counts.records - counts.failed,
               counts.correct, counts.wrong, counts.unparsable);
  if (counts.failed > 0) {
    throw RowsFailed(std::to_string(counts.failed) + " of " + std::to_string(counts.records) +
                     " records could not be graded");
  }
}

}  // namespace

void add_grade_command(CLI::App& app) {
  auto flags = std::make_shared<GradeFlags>();
  CLI::App* command = app.add_subcommand("grade", "Say whether mathematical answers are right");
  command->add_option("input", flags->input, "JSON lines of {\"id\", \"answer\", \"reference\"}; - is standard input")
      ->capture_default_str();
  command->add_option("-o,--output", flags->output, "result file; - is standard output")->capture_default_str();
  command
      ->add_option("--tolerance", flags->options.tolerance,
                   "numbers that differ by no more are equal; a record's own \"tolerance\" goes before")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      ->add_option("--rounded-reference-digits", flags->options.rounded_reference_digits,
                   "a decimal reference with this many significant digits is a rounded number")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      ->add_option("--rounded-answer-digits", flags->options.rounded_answer_digits,
                   "a decimal answer with this many significant digits may be the reference rounded")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->footer("Example:\n  endorm grade answers.jsonl -o graded.jsonl");
  command->callback([flags] { run_grade(*flags); });
}

}  // namespace endorm
