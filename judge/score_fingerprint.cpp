#include <charconv>

#include <nlohmann/json.hpp>

#include "judge/judges.h"

namespace endorm {
namespace {

// The shortest spelling that reads back as the same number.
std::string spelled(double number) {
  char digits[32];
  return std::string(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

}  // namespace

std::string template_fingerprint(const TemplateOptions& text) {
  return (text.arguments.empty() ? "" : " template arguments " + text.arguments) +
         (text.date == TemplateOptions{}.date ? "" : " date " + text.date);
}

// The first options have words of their own, which stand in result files; all others are told by name, as in a
// manifest.
std::string score_fingerprint(const ScoreOptions& options) {
  const RewardOptions all{options, {}};
  std::string others;
  for (const Option<RewardOptions>& option : reward_options()) {
    if (option.effect == OptionEffect::kNumber && !option.always_told && option.get(all) != option.get({})) {
      others += " " + std::string(option.name) + "=" + option.get(all).dump();
    }
  }
  const AggregateOptions& aggregate = options.aggregate;
  return "alpha=" + spelled(options.alpha) + " " + std::string(aggregation_name(aggregate.kind)) +
         " gamma=" + spelled(aggregate.gamma) + " floor=" + spelled(aggregate.floor) +
         " chunk=" + std::to_string(aggregate.chunk) + " last_k=" + std::to_string(aggregate.last_k) +
         (aggregate.initial_value ? " initial_value" : "") + (options.text.end_of_turn ? " end_of_turn" : "") +
         (options.text.template_newline ? " template_newline" : "") +
         (options.text.reading == ResponseReading::kAuto
              ? ""
              : " response is " + find_option(reward_options(), "response_is")->get(all).get<std::string>()) +
         template_fingerprint(options.text) + (options.turns == ScoredTurns::kLast ? "" : " every turn") +
         " overflow=" + std::to_string(static_cast<int>(options.overflow)) +
         (options.find_steps ? " steps at \"" + options.step_separator + "\"" : "") +
         (options.share_prefixes ? "" : " no sharing") + others;
}

}  // namespace endorm
