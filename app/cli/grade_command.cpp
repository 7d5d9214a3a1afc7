#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/exit_status.h"
#include "app/cli/open_input.h"
#include "app/cli/write_file.h"
#include "core/errors.h"
#include "grade/grade.h"
#include "score/json_field.h"

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

Json graded_row(const InputLine& line, const GradeOptions& options, Counts& counts) {
  Json row;
  try {
    if (line.error) {
      throw InvalidInput(*line.error);
    }
    const Json object = parse_object(line.text);
    const JsonField record(object);
    row["id"] = object.contains("id") ? object["id"] : Json(line.number);
    GradeOptions record_options = options;
    if (const std::optional<JsonField> tolerance = record.find("tolerance")) {
      record_options.tolerance = tolerance->number();
      if (record_options.tolerance < 0.0) {
        throw InvalidInput("[grade] \"tolerance\" is below 0");
      }
    }
    const Grade found =
        grade(record.at("answer").text_or_number(), record.at("reference").text_or_number(), record_options);
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
  refuse_input_as_output("grade", flags.input, flags.output);
  const std::unique_ptr<RecordInput> reader = open_input(flags.input);
  OutputFile output("grade", flags.output);
  Counts counts;
  while (const auto line = reader->next()) {
    ++counts.records;
    output.write(graded_row(*line, flags.options, counts).dump(-1, ' ', false, Json::error_handler_t::replace));
    output.write("\n");
  }
  output.finish();
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
  command->add_option("input", flags->input, "JSON lines of {\"id\", \"answer\", \"reference\"}; - is standard input");
  command->add_option("-o,--output", flags->output, "result file; - is standard output");
  command
      ->add_option("--tolerance", flags->options.tolerance,
                   "numbers that differ by no more are equal; a record's own \"tolerance\" goes before")
      ->check(CLI::NonNegativeNumber);
  command
      ->add_option("--rounded-reference-digits", flags->options.rounded_reference_digits,
                   "a decimal reference with this many significant digits is a rounded number")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--rounded-answer-digits", flags->options.rounded_answer_digits,
                   "a decimal answer with this many significant digits may be the reference rounded")
      ->check(CLI::PositiveNumber);
  command->footer("Example:\n  endorm grade answers.jsonl -o graded.jsonl");
  command->callback([flags] { run_grade(*flags); });
}

}  // namespace endorm
