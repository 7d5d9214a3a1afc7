// Benchmarks of solutions in steps: which step is the first wrong one, or which are wrong.
#include "core/errors.h"
#include "engine/content_hash.h"
#include "eval/row_reader.h"

namespace endorm {
namespace {

// Steps counted from 1 -> a label for each of `count` steps, and the first wrong one.
StepLabel label_of(const std::vector<std::int64_t>& error_steps, std::size_t count) {
  StepLabel label{.first_error = std::nullopt, .wrong = std::vector<bool>(count, false)};
  for (const std::int64_t step : error_steps) {
    if (step < 1 || static_cast<std::size_t>(step) > count) {
      throw InvalidInput("\"error_steps\" names step " + std::to_string(step) + " (from 1) of " +
                         std::to_string(count) + ".");
    }
    const auto index = static_cast<std::size_t>(step - 1);
    (*label.wrong)[index] = true;
    if (!label.first_error || index < *label.first_error) {
      label.first_error = index;
    }
  }
  return label;
}

}  // namespace

StepLabel first_error_label(const JsonField& row) {
  const std::int64_t label = row.at("label").integer();
  if (label < -1) {
    throw InvalidInput("\"label\" is " + std::to_string(label) + ", expected a step from 0 or -1 for none.");
  }
  return {.first_error = label < 0 ? std::nullopt : std::optional(static_cast<std::size_t>(label)),
          .wrong = std::nullopt};
}

std::vector<Example> read_process_bench(const SourceRow& source) {
  const JsonField& row = source.row;
  const std::string problem = row.at("problem").text();
  Example example = make_stepwise_example(row.at("id").text_or_integer(), {{"user", problem}}, row.at("steps").texts(),
                                          first_error_label(row), source.options.step_separator);
  example.subset = source.part;
  example.group = source.part + "/" + record_key(problem);  // several solutions of one problem are not independent
  return {std::move(example)};
}

std::vector<Example> read_prm_bench(const SourceRow& source) {
  const JsonField& row = source.row;
  const std::string kind = row.at("classification").text();
  std::string origin = row.at("idx").text_or_integer();
  if (origin.starts_with(kind + "_")) {
    origin.erase(0, kind.size() + 1);
  }
  const std::vector<std::string> steps = row.at("modified_process").texts();
  std::vector<Example> examples;
  const auto add = [&](const std::string& subset, const std::string& question, const std::vector<std::string>& process,
                       const StepLabel& label) {
    examples.push_back(make_stepwise_example(subset + "/" + origin, {{"user", question}}, process, label,
                                             source.options.step_separator));
    examples.back().subset = subset;
    examples.back().group = origin;
  };
  add(kind, row.at("modified_question").text(), steps, label_of(row.at("error_steps").integers(), steps.size()));
  // The published evaluation takes the unmodified solutions once, from the rows of this kind.
  if (kind == "redundency") {
    const std::vector<std::string> original = row.at("original_process").texts();
    add("correct", row.at("original_question").text(), original, label_of({}, original.size()));
  }
  return examples;
}

}  // namespace endorm
