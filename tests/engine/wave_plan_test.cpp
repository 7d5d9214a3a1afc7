#include "engine/llama/wave_plan.h"

#include <algorithm>
#include <random>
#include <string>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "engine/medium.h"

namespace endorm {
namespace {

constexpr std::uint64_t kSeed = 20260726;
constexpr int kTrees = 3000;

// What the definition of a needed node says, read off the tree: one whose row scores a child, and what leads to one.
struct Needs {
  explicit Needs(const TokenTree& tree) {
    const auto nodes = tree.nodes();
    reads.assign(nodes.size(), false);
    needed.assign(nodes.size(), false);
    needed_children.assign(nodes.size(), 0);
    branchings_above.assign(nodes.size(), 0);
    for (const TokenTree::Node& node : nodes) {
      if (node.scored) {
        reads[*node.parent] = true;
        for (std::optional<std::size_t> above = node.parent; above; above = nodes[*above].parent) {
          needed[*above] = true;
        }
      }
    }
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (needed[i]) {
        ++count;
        longest_path = std::max(longest_path, nodes[i].depth + 1);
        if (nodes[i].parent) {
          ++needed_children[*nodes[i].parent];
        }
      }
    }
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (nodes[i].parent) {
        branchings_above[i] = branchings_above[*nodes[i].parent] + (needed_children[*nodes[i].parent] > 1 ? 1 : 0);
      }
    }
  }

  std::vector<bool> reads;                    // some child is scored
  std::vector<bool> needed;                   // something below is scored
  std::vector<std::size_t> needed_children;   // how many children are needed themselves
  std::vector<std::size_t> branchings_above;  // nodes above it with more than one needed child
  std::size_t count = 0;
  std::size_t longest_path = 0;
};

// Carries a plan out on a cache of cells. A sequence is the chain of cells that it sees.
class Cache {
 public:
  Cache(const TokenTree& tree, const WaveLimits& limits)
      : tree_(tree), limits_(limits), needs_(tree), sequences_(limits.sequences), computed_(tree.nodes().size(), 0) {}

  // The first thing wrong with the plan; empty where it is right.
  std::string run(const WavePlan& plan) {
    for (const WaveStep& step : plan.steps) {
      if (const std::string fault = run(step); !fault.empty()) {
        return fault;
      }
    }
    if (used_ != 0) {
      return "cells are left in the cache at the end";
    }
    if (plan.cells != peak_) {
      return "the plan says " + std::to_string(plan.cells) + " cells, in use are " + std::to_string(peak_);
    }
    if (plan.tokens_computed != node_of_.size()) {
      return "tokens_computed is not the number of tokens computed";
    }
    for (std::size_t i = 0; i < computed_.size(); ++i) {
      if (needs_.needed[i] != (computed_[i] > 0)) {
        return "node " + std::to_string(i) + (needs_.needed[i] ? " is missing" : " is computed for nothing");
      }
    }
    return "";
  }

  const std::vector<int>& computed() const { return computed_; }
  const Needs& needs() const { return needs_; }
  std::size_t peak() const { return peak_; }

 private:
  std::string run(const WaveStep& step) {
    for (const int to : step.copy_to) {
      if (!known(to) || !known(step.copy_from)) {
        return "copies to or from a sequence that does not exist";
      }
      if (to == step.copy_from || !chain(to).empty()) {
        return "copies onto sequence " + std::to_string(to) + ", which is in use";
      }
      chain(to) = chain(step.copy_from);
      for (const std::size_t cell : chain(to)) {
        ++holders_[cell];
      }
    }
    const bool of_medium = !step.tokens.empty() && is_medium(value(step.tokens.front()));
    if (step.tokens.empty() || (step.tokens.size() > limits_.batch_tokens && !(of_medium && limits_.whole_media))) {
      return "a step of " + std::to_string(step.tokens.size()) + " tokens";
    }
    for (std::size_t i = 1; i < step.tokens.size(); ++i) {
      if (is_medium(value(step.tokens[i])) != of_medium || begins_medium(value(step.tokens[i]))) {
        return "a step of a medium and of something else";
      }
    }
    if (of_medium && limits_.whole_media && !begins_medium(value(step.tokens.front()))) {
      return "a medium in two steps";
    }
    std::size_t rows = 0;
    for (const WaveToken& token : step.tokens) {
      rows += token.read_row ? 1 : 0;
      if (const std::string fault = compute(token); !fault.empty()) {
        return fault + " (node " + std::to_string(token.node) + ")";
      }
    }
    if (rows > limits_.batch_rows) {
      return "a step reads " + std::to_string(rows) + " rows";
    }
    peak_ = std::max(peak_, used_);
    for (const int sequence : step.forget) {
      if (!known(sequence)) {
        return "forgets a sequence that does not exist";
      }
      for (const std::size_t cell : chain(sequence)) {
        used_ -= --holders_[cell] == 0 ? 1 : 0;
      }
      chain(sequence).clear();
    }
    return "";
  }

  // In every one of its sequences the token must stand directly behind its parent: by induction it sees its ancestors,
  // each once, and nothing else.
  std::string compute(const WaveToken& token) {
    const TokenTree::Node& node = tree_.nodes()[token.node];
    if (!known(token.first_sequence) || !known(token.last_sequence) || token.last_sequence < token.first_sequence) {
      return "is in sequences that do not exist";
    }
    if (!limits_.shared_cells && token.last_sequence != token.first_sequence) {
      return "is in several sequences, and cells cannot be shared";
    }
    if (token.read_row != needs_.reads[token.node]) {
      return "has its row read for nothing, or not read";
    }
    const std::size_t cell = node_of_.size();
    node_of_.push_back(token.node);
    holders_.push_back(0);
    ++used_;
    ++computed_[token.node];
    for (int sequence = token.first_sequence; sequence <= token.last_sequence; ++sequence) {
      std::optional<std::size_t> above;
      if (!chain(sequence).empty()) {
        above = node_of_[chain(sequence).back()];
      }
      if (above != node.parent) {
        return "does not stand behind its parent in sequence " + std::to_string(sequence);
      }
      chain(sequence).push_back(cell);
      ++holders_[cell];
    }
    return "";
  }

  Token value(const WaveToken& token) const { return tree_.nodes()[token.node].token; }
  bool known(int sequence) const { return sequence >= 0 && static_cast<std::size_t>(sequence) < limits_.sequences; }
  std::vector<std::size_t>& chain(int sequence) { return sequences_[static_cast<std::size_t>(sequence)]; }

  const TokenTree& tree_;
  const WaveLimits& limits_;
  Needs needs_;
  std::vector<std::vector<std::size_t>> sequences_;  // cells that each sequence sees
  std::vector<std::size_t> node_of_;                 // what each cell holds; one for every token ever computed
  std::vector<std::size_t> holders_;                 // how many sequences see each cell; none: it is free
  std::vector<int> computed_;                        // how often each node was computed
  std::size_t used_ = 0;
  std::size_t peak_ = 0;
};

std::size_t between(std::mt19937_64& random, std::size_t low, std::size_t high) {
  return std::uniform_int_distribution<std::size_t>(low, high)(random);
}

// Sequences that leave one another at random places: few tokens make bushes, many make stars; a response may begin
// anywhere, and some paths score nothing.
TokenTree random_tree(std::mt19937_64& random) {
  TokenTree tree;
  const std::size_t vocabulary = between(random, 1, 5);
  const std::size_t longest = between(random, 1, 40);
  const double keep = std::uniform_real_distribution<double>(0.0, 0.95)(random);
  Tokens path;
  for (std::size_t left = between(random, 0, 25); left > 0; --left) {
    path.resize(static_cast<std::size_t>(keep * static_cast<double>(path.size())));
    const std::size_t length = between(random, path.size() + 1, path.size() + longest);
    while (path.size() < length) {
      path.push_back(static_cast<Token>(between(random, 0, vocabulary)));
    }
    const std::size_t prefix = between(random, 1, path.size());
    const std::size_t end = between(random, 0, 9) == 0 ? prefix : path.size();
    tree.insert(std::span(path).first(prefix), std::span(path).subspan(prefix, end - prefix));
  }
  return tree;
}

// The same with media, of which paths leave one another only at the ends, before what is scored.
TokenTree random_tree_with_media(std::mt19937_64& random) {
  TokenTree tree;
  std::vector<Tokens> units;
  for (std::size_t left = between(random, 1, 12); left > 0; --left) {
    units.resize(between(random, 0, units.size()));
    for (std::size_t more = between(random, 1, 6); more > 0; --more) {
      Tokens& unit = units.emplace_back();
      if (between(random, 0, 1) == 0) {
        unit.push_back(static_cast<Token>(between(random, 0, 3)));
        continue;
      }
      const std::string medium = "medium " + std::to_string(between(random, 0, 3));
      const std::size_t length = 1 + medium.back() % 5 * 7;
      for (std::size_t place = 0; place < length; ++place) {
        unit.push_back(medium_token(medium, place));
      }
    }
    Tokens prompt;
    for (const Tokens& unit : units) {
      prompt.insert(prompt.end(), unit.begin(), unit.end());
    }
    const Tokens response(between(random, 0, 9), static_cast<Token>(between(random, 0, 3)));
    tree.insert(prompt, response);
  }
  return tree;
}

WaveLimits random_limits(std::mt19937_64& random) {
  WaveLimits limits;
  limits.wave_tokens = between(random, 1, between(random, 1, 200));
  limits.batch_tokens = between(random, 1, between(random, 1, 64));
  limits.batch_rows = between(random, 1, between(random, 1, 32));
  limits.sequences = between(random, 2, between(random, 2, 20));
  limits.shared_cells = between(random, 0, 1) == 0;
  return limits;
}

}  // namespace

TEST_CASE("a plan computes every needed node behind its ancestors alone, within the limits") {
  std::mt19937_64 random(kSeed);
  int ran_out = 0;
  int several_in_a_step = 0;
  int dropped = 0;
  for (int number = 0; number < kTrees; ++number) {
    const TokenTree tree = random_tree(random);
    const WaveLimits limits = random_limits(random);
    INFO("seed " << kSeed << ", tree " << number << " of " << tree.nodes().size() << " nodes, wave "
                 << limits.wave_tokens << ", batch " << limits.batch_tokens << ", rows " << limits.batch_rows
                 << ", sequences " << limits.sequences << ", shared " << limits.shared_cells);
    const WavePlan plan = plan_waves(tree, limits);
    Cache cache(tree, limits);
    const std::string fault = cache.run(plan);
    REQUIRE(fault == "");

    const Needs& needs = cache.needs();
    CHECK(cache.peak() <= needs.longest_path + limits.wave_tokens);
    dropped += needs.count < tree.nodes().size() ? 1 : 0;
    // A trunk takes one sequence for every branching above it, and the wave behind it needs one more.
    bool repeated = false;
    bool repeated_too_early = false;
    for (std::size_t i = 0; i < tree.nodes().size(); ++i) {
      repeated |= cache.computed()[i] > 1;
      repeated_too_early |= cache.computed()[i] > 1 && needs.branchings_above[i] + 1 < limits.sequences;
    }
    CHECK_FALSE(repeated_too_early);
    ran_out += repeated ? 1 : 0;
    if (!repeated) {
      CHECK(plan.tokens_computed == needs.count);
    }
    several_in_a_step +=
        std::any_of(plan.steps.begin(), plan.steps.end(), [](const WaveStep& step) { return step.copy_to.size() > 1; });
  }
  MESSAGE("seed " << kSeed << ": " << kTrees << " trees, " << ran_out << " with more branches than sequences, "
                  << several_in_a_step << " with waves of several sequences, " << dropped << " with unneeded nodes");
  CHECK(ran_out > 100);
  CHECK(several_in_a_step > 100);
  CHECK(dropped > 100);
}

TEST_CASE("places of a medium are computed in steps of their own, and in one where they must be") {
  const std::uint64_t seed = std::random_device{}();
  std::mt19937_64 random(seed);
  int media = 0;
  for (int number = 0; number < kTrees; ++number) {
    const TokenTree tree = random_tree_with_media(random);
    WaveLimits limits = random_limits(random);
    limits.whole_media = between(random, 0, 1) == 0;
    INFO("seed " << seed << ", tree " << number);
    for (const bool shared : {true, false}) {
      const WavePlan plan = shared ? plan_waves(tree, limits) : plan_alone(tree, limits);
      Cache cache(tree, limits);
      REQUIRE(cache.run(plan) == "");
      media += std::any_of(plan.steps.begin(), plan.steps.end(), [&](const WaveStep& step) {
        return is_medium(tree.nodes()[step.tokens.front().node].token);
      });
    }
  }
  CHECK(media > kTrees / 4);
}

TEST_CASE("a token of a medium is made of its content and its place") {
  CHECK(medium_token("a", 0) == medium_token("a", 0));
  CHECK(medium_token("a", 0) != medium_token("b", 0));
  CHECK(medium_token("a", 1) != medium_token("a", 2));
  for (std::size_t place = 0; place < 1000; ++place) {
    CHECK(is_medium(medium_token("a", place)));
    CHECK(begins_medium(medium_token("a", place)) == (place == 0));
  }
  CHECK_FALSE(begins_medium(1));
}

TEST_CASE("a plan without sharing computes one path after the other, in one sequence") {
  std::mt19937_64 random(kSeed + 1);
  for (int number = 0; number < kTrees; ++number) {
    const TokenTree tree = random_tree(random);
    const WaveLimits limits = random_limits(random);
    INFO("seed " << kSeed + 1 << ", tree " << number);
    const WavePlan plan = plan_alone(tree, limits);
    Cache cache(tree, limits);
    const std::string fault = cache.run(plan);
    REQUIRE(fault == "");
    const Needs& needs = cache.needs();
    CHECK(plan.cells == needs.longest_path);

    std::vector<std::size_t> last_nodes;
    std::size_t path_tokens = 0;
    bool elsewhere = false;
    for (const WaveStep& step : plan.steps) {
      for (const WaveToken& token : step.tokens) {
        elsewhere |= token.first_sequence != 0 || token.last_sequence != 0;
      }
      elsewhere |= !step.copy_to.empty();
      if (!step.forget.empty()) {
        last_nodes.push_back(step.tokens.back().node);
        path_tokens += tree.nodes()[last_nodes.back()].depth + 1;
      }
    }
    CHECK_FALSE(elsewhere);
    CHECK(plan.tokens_computed == path_tokens);
    std::vector<std::size_t> leaves;
    for (std::size_t i = 0; i < tree.nodes().size(); ++i) {
      if (needs.needed[i] && needs.needed_children[i] == 0) {
        leaves.push_back(i);
      }
    }
    std::sort(last_nodes.begin(), last_nodes.end());
    CHECK(last_nodes == leaves);
  }
}

TEST_CASE("a shared prompt is computed once and its responses together") {
  TokenTree tree;
  const Tokens prompt(100, 1);
  for (Token response = 0; response < 8; ++response) {
    tree.insert(prompt, Tokens{response + 2, 5, 5, 5});
  }
  const WaveLimits limits{.wave_tokens = 64, .batch_tokens = 512, .batch_rows = 128, .sequences = 64};
  const WavePlan plan = plan_waves(tree, limits);
  REQUIRE(plan.steps.size() == 2);
  CHECK(plan.steps[0].tokens.size() == 100);
  CHECK(plan.steps[1].tokens.size() == 8 * 3);
  CHECK(plan.steps[1].copy_to.size() == 8);
  CHECK(plan.tokens_computed == 124);
  CHECK(plan.cells == 124);
  CHECK(plan_alone(tree, limits).tokens_computed == 8 * 103);
}

TEST_CASE("what is held is copied as far as it is needed, not computed") {
  TokenTree tree;
  const Tokens prompt(100, 1);
  tree.insert(prompt, Tokens{2, 5});
  const std::size_t ninetieth = 89;
  tree.insert(Tokens(50, 1), Tokens{3, 6});  // its prompt ends in the middle of the first: the row there is needed
  const WaveLimits limits{.wave_tokens = 64, .batch_tokens = 512, .batch_rows = 128, .sequences = 64};
  CHECK_THROWS_AS(plan_waves(tree, limits, std::vector<HeldPrefix>{{ninetieth, 70}}), InternalError);
  const WavePlan plan = plan_waves(tree, limits, std::vector<HeldPrefix>{{48, 70}});
  REQUIRE(!plan.steps.empty());
  CHECK(plan.steps[0].copy_from == 70);
  CHECK(plan.steps[0].copy_positions == 49);
  CHECK(plan.tokens_computed == 51 + 1 + 1);
}

TEST_CASE("a tree in which nothing is scored needs no step") {
  TokenTree tree;
  CHECK(plan_waves(tree, {}).steps.empty());
  tree.insert(Tokens{1, 2, 3}, Tokens{});
  CHECK(plan_waves(tree, {}).steps.empty());
  CHECK(plan_alone(tree, {}).steps.empty());
}

TEST_CASE("limits under which nothing can be computed are refused") {
  TokenTree tree;
  tree.insert(Tokens{1}, Tokens{2});
  const std::vector<WaveLimits> bad{
      {.wave_tokens = 0}, {.batch_tokens = 0}, {.batch_rows = 0}, {.sequences = 0}, {.sequences = 1}};
  for (const WaveLimits& limits : bad) {
    CHECK_THROWS_AS(plan_waves(tree, limits), InternalError);
    CHECK_THROWS_AS(plan_alone(tree, limits), InternalError);
  }
}

}  // namespace endorm
