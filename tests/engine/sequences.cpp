#include "tests/engine/sequences.h"

#include <doctest/doctest.h>

#include "tests/paths.h"

namespace endorm {

SequenceStats evaluate_together(Engine& engine, std::span<const Sequence> sequences, const EvaluateOptions& options) {
  TokenTree tree;
  std::vector<std::vector<std::size_t>> continuations;
  for (const Sequence& sequence : sequences) {
    continuations.push_back(tree.insert(sequence.prefix, sequence.continuation));
  }
  std::vector<std::size_t> place(tree.nodes().size());  // among the scored nodes
  std::size_t scored = 0;
  for (std::size_t node = 0; node < place.size(); ++node) {
    place[node] = scored;
    scored += tree.nodes()[node].scored;
  }
  const std::vector<TokenStats> stats = engine.evaluate(tree, options).front();
  REQUIRE(stats.size() == scored);
  SequenceStats of_sequences;
  for (const std::vector<std::size_t>& nodes : continuations) {
    auto& of_sequence = of_sequences.emplace_back();
    for (const std::size_t node : nodes) {
      of_sequence.push_back(stats[place[node]]);
    }
  }
  return of_sequences;
}

SequenceStats evaluate_apart(Engine& engine, std::span<const Sequence> sequences) {
  SequenceStats of_sequences;
  for (const Sequence& sequence : sequences) {
    of_sequences.push_back(evaluate_together(engine, std::span(&sequence, 1)).front());
  }
  return of_sequences;
}

double worst_log_prob_difference(const SequenceStats& found, const SequenceStats& expected) {
  REQUIRE(found.size() == expected.size());
  double worst = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    REQUIRE(found[i].size() == expected[i].size());
    for (std::size_t at = 0; at < found[i].size(); ++at) {
      worst = worse(worst, std::abs(log_prob(found[i][at]) - log_prob(expected[i][at])));
    }
  }
  return worst;
}

std::string golden_path(const std::string& file) { return source_path("tests/golden/" + file); }

std::string tiny_model_path(const std::string& name) { return golden_path("engine_tiny_" + name + ".gguf"); }

}  // namespace endorm
