// RewardBench 2: one right response of four, and the Ties subset with several right ones.
#include <algorithm>

#include "core/errors.h"
#include "eval/row_reader.h"
#include "score/json_check.h"

namespace endorm {

std::vector<Example> read_reward_bench_2(const SourceRow& source) {
  const JsonField& row = source.row;
  std::vector<std::string> responses = row.at("chosen").texts();
  const std::size_t right = responses.size();
  const std::vector<std::string> rejected = row.at("rejected").texts();
  responses.insert(responses.end(), rejected.begin(), rejected.end());
  const std::string subset = row.at("subset").text();
  const std::string id = row.at("id").text_or_integer();
  Example example = make_example(subset + "/" + id, prompt_messages(row.at("prompt")), responses);
  example.subset = subset;
  example.correct.assign(responses.size(), false);
  std::fill_n(example.correct.begin(), right, true);
  if (subset == "Ties") {
    // "ref:7" has one right answer, "tied:7" is the same kind of question with several.
    const std::size_t colon = id.find(':');
    if (colon == std::string::npos || (id.substr(0, colon) != "ref" && id.substr(0, colon) != "tied")) {
      throw InvalidInput("\"id\" of a row of Ties is \"" + excerpt(id) + "\", expected \"ref:...\" or \"tied:...\".");
    }
    example.group = subset + "/" + id.substr(colon + 1);
  } else if (right != 1) {
    throw InvalidInput("\"chosen\" has " + std::to_string(right) + " responses, expected 1 outside the subset Ties.");
  }
  return {std::move(example)};
}

}  // namespace endorm
