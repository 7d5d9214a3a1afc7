// Benchmarks of pairs, and RM-Bench, whose three chosen and three rejected responses are nine pairs.
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
  return source.row.has(field) ? source.row.name(field) : std::to_string(source.number);
}

// An answer: text, or a conversation whose last turn it is.
std::string answer_text(const DataRow& row, std::string_view field) { return row.messages(field).back().content; }

}  // namespace

std::vector<Example> read_rm_bench(const SourceRow& source) {
  const std::string domain = source.row.has("domain") ? source.row.text("domain") : source.part;
  std::vector<std::string> responses;
  for (const std::string_view field : {"chosen", "rejected"}) {
    const std::vector<std::string> texts = source.row.texts(field);
    if (texts.size() != kStyles) {
      throw InvalidInput("\"" + std::string(field) + "\" has " + std::to_string(texts.size()) +
                         " responses, expected 3: concise, detailed, detailed with markdown.");
    }
    responses.insert(responses.end(), texts.begin(), texts.end());
  }
  Example example = make_example(domain + "/" + source.row.name("id"), source.row.messages("prompt"), responses);
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
  const DataRow& row = source.row;
  const std::string subset = row.has("subset") ? row.text("subset") : "";
  const bool labelled = row.has("label");
  const std::string_view first = labelled ? "response_a" : "chosen";
  const std::string_view second = labelled ? "response_b" : "rejected";
  return pair_example(make_example(id_or_number(source, "id"), row.messages("prompt"),
                                   {answer_text(row, first), answer_text(row, second)}),
                      !labelled || is_first(row.text("label"), "A", "B"), subset);
}

std::vector<Example> read_judge_bench(const SourceRow& source) {
  const DataRow& row = source.row;
  Example example =
      make_example(row.name("pair_id"), row.messages("question"), {row.text("response_A"), row.text("response_B")});
  // One question may have been answered by several pairs.
  if (row.has("original_id")) {
    example.group = row.text("source") + "/" + row.name("original_id");
  }
  return pair_example(std::move(example), is_first(row.text("label"), "A>B", "B>A"), row.text("source"));
}

std::vector<Example> read_llm_bar(const SourceRow& source) {
  const DataRow& row = source.row;
  return pair_example(make_example(source.part + "/" + std::to_string(source.number), row.messages("input"),
                                   {row.text("output_1"), row.text("output_2")}),
                      is_first(row.name("label"), "1", "2"), source.part);
}

}  // namespace endorm
