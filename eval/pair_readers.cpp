// Benchmarks of pairs; RM-Bench, whose three chosen and three rejected responses are nine pairs; and RewardBench 2, one
// right response of four, with its Ties subset of several right ones.
#include <algorithm>
#include <array>

#include "core/errors.h"
#include "eval/row_reader.h"
#include "score/json_check.h"

namespace endorm {
namespace {

constexpr std::size_t kStyles = 3;  // concise, detailed, detailed with markdown

std::vector<Example> pair_example(Example example, bool first_is_better, std::string subset) {
  example.subset = std::move(subset);
  example.comparisons.push_back({.better = first_is_better ? std::size_t{0} : std::size_t{1},
                                 .worse = first_is_better ? std::size_t{1} : std::size_t{0},
                                 .cell = {}});
  return {std::move(example)};
}

// The label of a pair, one of two spellings.
bool is_first(const std::string& label, std::string_view first, std::string_view second) {
  if (label != first && label != second) {
    throw InvalidInput("\"label\" is \"" + excerpt(label) + "\", expected \"" + std::string(first) + "\" or \"" +
                       std::string(second) + "\".");
  }
  return label == first;
}

std::string id_or_number(const SourceRow& source, std::string_view field) {
  return source.row.has(field) ? source.row.at(field).text_or_integer() : std::to_string(source.number);
}

// An answer: text, or a conversation whose last turn it is.
std::string answer_text(const JsonField& row, std::string_view field) {
  return prompt_messages(row.at(field)).back().content;
}

}  // namespace

std::vector<Example> read_rm_bench(const SourceRow& source) {
  const std::string domain = source.row.has("domain") ? source.row.at("domain").text() : source.part;
  std::vector<std::string> responses;
  for (const std::string_view field : {"chosen", "rejected"}) {
    const std::vector<std::string> texts = source.row.at(field).texts();
    if (texts.size() != kStyles) {
      throw InvalidInput("\"" + std::string(field) + "\" has " + std::to_string(texts.size()) +
                         " responses, expected 3: concise, detailed, detailed with markdown.");
    }
    responses.insert(responses.end(), texts.begin(), texts.end());
  }
  Example example = make_example(domain + "/" + source.row.at("id").text_or_integer(),
                                 prompt_messages(source.row.at("prompt")), responses);
  example.subset = domain;
  for (std::size_t i = 0; i < kStyles; ++i) {
    for (std::size_t j = 0; j < kStyles; ++j) {
      example.comparisons.push_back(
          {.better = i, .worse = kStyles + j, .cell = std::to_string(i) + "," + std::to_string(j)});
    }
  }
  return {std::move(example)};
}

std::vector<Example> read_reward_bench(const SourceRow& source) {
  const JsonField& row = source.row;
  const std::string subset = row.has("subset") ? row.at("subset").text() : "";
  const bool labelled = row.has("label");
  const std::string_view first = labelled ? "response_a" : "chosen";
  const std::string_view second = labelled ? "response_b" : "rejected";
  return pair_example(make_example(id_or_number(source, "id"), prompt_messages(row.at("prompt")),
                                   {answer_text(row, first), answer_text(row, second)}),
                      !labelled || is_first(row.at("label").text(), "A", "B"), subset);
}

std::vector<Example> read_judge_bench(const SourceRow& source) {
  const JsonField& row = source.row;
  Example example = make_example(row.at("pair_id").text_or_integer(), prompt_messages(row.at("question")),
                                 {row.at("response_A").text(), row.at("response_B").text()});
  // One question may have been answered by several pairs.
  if (row.has("original_id")) {
    example.group = row.at("source").text() + "/" + row.at("original_id").text_or_integer();
  }
  return pair_example(std::move(example), is_first(row.at("label").text(), "A>B", "B>A"), row.at("source").text());
}

std::vector<Example> read_llm_bar(const SourceRow& source) {
  const JsonField& row = source.row;
  return pair_example(make_example(source.part + "/" + std::to_string(source.number), prompt_messages(row.at("input")),
                                   {row.at("output_1").text(), row.at("output_2").text()}),
                      is_first(row.at("label").text_or_integer(), "1", "2"), source.part);
}

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
