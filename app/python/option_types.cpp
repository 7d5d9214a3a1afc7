#include <array>
#include <functional>
#include <string>

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <nlohmann/json.hpp>

#include "app/bench_settings.h"
#include "app/python/bindings.h"
#include "app/sampling_settings.h"
#include "score/score_options.h"

namespace nb = nanobind;

namespace endorm {
namespace {

std::string type_of(const OptionFacts& facts) {
  constexpr std::array kNames = {"bool",           "int", "float", "str", "str", "Mapping[str, Any]", "Sequence[str]",
                                 "Sequence[float]"};  // in the order of OptionKind
  return std::string(kNames.at(static_cast<std::size_t>(facts.kind))) + (facts.may_be_none ? " | None" : "");
}

bool is_of_scores(const OptionFacts& facts) { return facts.in_run && facts.effect != OptionEffect::kRow; }
bool is_of_prompts(const OptionFacts& facts) { return facts.part == ManifestPart::kPrompt; }
bool is_of_draws(const OptionFacts&) { return true; }
bool is_of_engines(const OptionFacts& facts) { return facts.name != "model"; }

// Fields of a TypedDict: the options of a table that `wanted` takes, each with its help and default.
template <typename Options>
std::string fields(std::span<const Option<Options>> table, bool (*wanted)(const OptionFacts&)) {
  std::string text;
  for (const Option<Options>& option : table) {
    if (!wanted(option)) {
      continue;
    }
    const std::string standard = option.get(Options{}).dump();
    text += "\n    " + std::string(option.name) + ": " + type_of(option) + "\n    r\"\"\"" + std::string(option.help) +
            " [" + (option.kind == OptionKind::kChoice ? wanted_of(option) + "; " : "") + standard + "]\"\"\"\n";
  }
  return text;
}

template <typename Options>
std::string typed_dict(const std::string& name, const std::string& what, std::span<const Option<Options>> table,
                       bool (*wanted)(const OptionFacts&)) {
  return "\n\nclass " + name + "(TypedDict, total=False):\n    \"\"\"" + what + "\"\"\"\n" + fields(table, wanted);
}

// What type checkers see of keyword arguments: a stub, written when the package is built.
std::string option_types() {
  return "\"\"\"Written from the tables of options when the package is built.\"\"\"\n\n"
         "from collections.abc import Mapping, Sequence\n"
         "from typing import Any, TypedDict\n" +
         typed_dict("ScoreOptions", "How rewards are read.", reward_options(), is_of_scores) +
         typed_dict("GenerationOptions", "How texts are drawn, and what the chat template reads beside the messages.",
                    sampling_options(), is_of_draws) +
         fields(reward_options(), is_of_prompts) +
         typed_dict("BenchOptions", "What of a benchmark is read and computed, and how rewards are read.",
                    bench_options(), is_of_calls) +
         fields(reward_options(), is_of_scores) +
         typed_dict("EngineOptions", "Of a model; [in brackets] what it is where nothing is said.", engine_options(),
                    is_of_engines);
}

std::vector<std::string> score_option_names() {
  std::vector<std::string> names;
  for (const Option<RewardOptions>& option : reward_options()) {
    if (is_of_scores(option)) {
      names.emplace_back(option.name);
    }
  }
  return names;
}

}  // namespace

void bind_option_types(nb::module_& module) {
  module.def("option_types", &option_types, "The stub _options.pyi.");
  module.def("score_option_names", &score_option_names, "Keyword arguments of score.");
}

}  // namespace endorm
