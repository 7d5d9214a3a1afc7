#include "app/cli/conversion_check.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/errors.h"

namespace endorm {
namespace {

Tokens tokens_of(const LlamaEngine& engine, const std::string& text) {
  const ResponseText unused{"x", /*truncated=*/true};
  return engine.text_form()->tokenize_raw(text, {&unused, 1}, {}).front().prompt;
}

// [T-1], of every token but the first, given what stands before it.
std::vector<double> log_probs_of(Engine& engine, const Tokens& tokens) {
  TokenTree tree;
  tree.insert(std::span(tokens).first(1), std::span(tokens).subspan(1));
  std::vector<double> log_probs;
  const std::vector<TokenStats> statistics = engine.evaluate(tree, {}).front();
  log_probs.reserve(statistics.size());
  for (const TokenStats& token : statistics) {
    log_probs.push_back(token.logit - token.log_sum_exp);
  }
  return log_probs;
}

struct Differences {
  double largest = 0.0;
  double sum = 0.0;

  // A NaN stays in both.
  void add(double left, double right) {
    const double difference = std::abs(left - right);
    largest = difference <= largest ? largest : difference;
    sum += difference;
  }
};

}  // namespace

ConversionDifference compare_with_transformers(const Conversion& conversion, const std::string& weight_type,
                                               LlamaEngine& engine, const ConverterSettings& converter) {
  const bool adapter = conversion.kind == CheckpointKind::kAdapter;
  ConverterEnvironment environment(converter);
  environment.need(adapter ? kAdapterCheckPackages : std::vector<PythonPackage>{});
  converter.say("Comparing with transformers");
  std::vector<std::string> arguments{adapter ? conversion.base : conversion.checkpoint, weight_type,
                                     std::to_string(engine.model_info().vocabulary)};
  if (adapter) {
    arguments.push_back(conversion.checkpoint);
  }
  const nlohmann::json answer =
      environment.run("check.py", arguments, "[convert] transformers cannot compute " + conversion.checkpoint + ": ");
  ConversionDifference found;
  Differences file;
  Differences type;
  for (const auto& text : answer.at("texts")) {
    const auto tokens = text.at("tokens").get<Tokens>();
    const auto exact = text.at("log_probs").get<std::vector<double>>();
    const auto rounded = text.at("rounded").get<std::vector<double>>();
    ++found.texts;
    found.same_tokens += tokens_of(engine, text.at("text")) == tokens ? 1 : 0;
    const std::vector<double> ours = log_probs_of(engine, tokens);
    for (std::size_t t = 0; t < ours.size(); ++t) {
      file.add(ours[t], rounded.at(t));
      type.add(exact.at(t), rounded.at(t));
    }
    found.tokens += ours.size();
  }
  const auto count = static_cast<double>(found.tokens);
  found.largest = file.largest;
  found.mean = file.sum / count;
  found.type_largest = type.largest;
  found.type_mean = type.sum / count;
  return found;
}

// Both compute in f32 where all products are ours: then tiny models differ by 1e-7, and a wrong norm, rotation or layer
// pattern by 1e-2 and more. llama.cpp's own kernels round the activations to the type of the weights.
double mean_bound(LlamaEngine& engine) {
  constexpr double kSameArithmetic = 1e-3;
  constexpr double kRoundedActivations = 5e-2;
  const bool ours = engine.model().arithmetic == "exact f32" && engine.accelerator_info().report.unpacked_matrices == 0;
  return ours ? kSameArithmetic : kRoundedActivations;
}

}  // namespace endorm
