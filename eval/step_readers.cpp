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

std::vector<Example> read_process_bench(const SourceRow& source) {
  const DataRow& row = source.row;
  const std::int64_t label = row.integer("label");
  if (label < -1) {
    throw InvalidInput("\"label\" is " + std::to_string(label) + ", expected a step from 0 or -1 for none.");
  }
  StepLabel known;
  if (label >= 0) {
    known.first_error = static_cast<std::size_t>(label);
  }
  const std::string problem = row.text("problem");
  Example example = make_stepwise_example(row.name("id"), {{"user", problem}}, row.texts("steps"), known,
                                          source.options.step_separator);
  example.subset = source.part;
  example.group = source.part + "/" + record_key(problem);  // several solutions of one problem are not independent
  return {std::move(example)};
}

std::vector<Example> read_prm_bench(const SourceRow& source) {
  const DataRow& row = source.row;
  const std::string kind = row.text("classification");
  std::string origin = row.name("idx");
  if (origin.starts_with(kind + "_")) {
    origin.erase(0, kind.size() + 1);
  }
  const std::vector<std::string> steps = row.texts("modified_process");
  std::vector<Example> examples;
  const auto add = [&](const std::string& subset, const std::string& question, const std::vector<std::string>& process,
                       const StepLabel& label) {
    examples.push_back(make_stepwise_example(subset + "/" + origin, {{"user", question}}, process, label,
                                             source.options.step_separator));
    examples.back().subset = subset;
    examples.back().group = origin;
  };
  add(kind, row.text("modified_question"), steps, label_of(row.integers("error_steps"), steps.size()));
  // The published evaluation takes the unmodified solutions once, from the rows of this kind.
  if (kind == "redundency") {
    const std::vector<std::string> original = row.texts("original_process");
    add("correct", row.text("original_question"), original, label_of({}, original.size()));
  }
  return examples;
}

}  // namespace endorm
