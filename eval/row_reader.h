#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "eval/benchmarks.h"
#include "eval/example.h"
#include "score/json_field.h"

namespace endorm {

// A row on its way to examples.
struct SourceRow {
  const JsonField& row;
  std::string_view text;   // the row as it stands in the file
  std::size_t number = 0;  // 1-based
  std::string part;        // which of the benchmark's files it is in: "chat", "gsm8k"; a file of one's own: its stem
  const ReadOptions& options;
};

// What a row, or several that belong together, gave. Until finish_example, the responses of an example stand in the
// order in which the file has them or the better one first, whichever is simpler: no request is made of that order.
struct RowExamples {
  std::size_t row = 0;  // 1-based: the first of them
  std::string id;
  std::vector<Example> examples;
};

// Examples of one row. Throws InvalidInput where it cannot be used.
using RowReader = std::vector<Example> (*)(const SourceRow& source);

// Joins rows that belong together; faults are rows that fit nowhere.
using RowGatherer = std::vector<RowExamples> (*)(std::vector<RowExamples> rows, const ReadOptions& options,
                                                 std::vector<RowFault>& faults);

// Readers of one row each, in the file of their family; docs/benchmarks.md has the fields.
std::vector<Example> read_rm_bench(const SourceRow& source);
std::vector<Example> read_reward_bench(const SourceRow& source);
std::vector<Example> read_reward_bench_2(const SourceRow& source);
std::vector<Example> read_dsp(const SourceRow& source);
std::vector<Example> read_multifaceted(const SourceRow& source);
std::vector<Example> read_process_bench(const SourceRow& source);
std::vector<Example> read_prm_bench(const SourceRow& source);
std::vector<Example> read_judge_bench(const SourceRow& source);
std::vector<Example> read_llm_bar(const SourceRow& source);
std::vector<Example> read_pair(const SourceRow& source);
std::vector<Example> read_best_of(const SourceRow& source);
std::vector<Example> read_steps(const SourceRow& source);

// Rows of one instruction become an example for each of its system messages.
std::vector<RowExamples> gather_multifaceted(std::vector<RowExamples> rows, const ReadOptions& options,
                                             std::vector<RowFault>& faults);

// A prompt: a string, which is one turn of the user, or a list of {"role", "content"}. Throws InvalidInput.
std::vector<Message> prompt_messages(const JsonField& prompt);

// An example without labels: id, prompt and responses.
Example make_example(std::string id, std::vector<Message> messages, std::vector<std::string> responses);

// An example of one solution in steps. Throws InvalidInput where a step is empty.
Example make_stepwise_example(std::string id, std::vector<Message> messages, const std::vector<std::string>& steps,
                              StepLabel label, std::string_view separator);

// The label of a row that names its first wrong step alone: "label", from 0, -1 for none.
StepLabel first_error_label(const JsonField& row);

// Throws InvalidInput on a prompt, response or system message that is blank or as long as no model reads, and on a
// label that does not fit the responses.
void check_example(const Example& example);

// Puts the responses in an order by a hash of the seed and the id, labels with them, and fills the request's key: a
// hash of everything that is asked and known.
void finish_example(Example& example, std::uint64_t order_seed);

}  // namespace endorm
