#include "app/cli/option_flags.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;
using Give = std::function<void(const Json&)>;

std::string spelling_of(const OptionFacts& facts, bool is_on) {
  if (!facts.flag.empty()) {
    return std::string(facts.flag);
  }
  std::string flag = (is_on ? "--no-" : "--") + std::string(facts.name);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

// The value that --help shows; nothing where the help says what happens without the flag.
std::string shown(const OptionFacts& facts, const Json& now) {
  if (facts.help.find("(default") != std::string_view::npos) {
    return {};
  }
  if (now.is_number_float()) {
    std::ostringstream text;
    text << now.get<double>();
    return text.str();
  }
  return now.is_string() ? now.get<std::string>() : now.is_number() ? now.dump() : "";
}

// "UINT:{1..}", "FLOAT:{0..1}", "FLOAT:{>0}", as choices are shown; the type alone where every number of it is right.
std::string type_of(const std::string& type, const OptionRange& range) {
  const bool is_any = std::isinf(range.most) && (std::isinf(range.least) || (type == "UINT" && range.least == 0.0));
  std::ostringstream text;
  text.precision(std::numeric_limits<double>::digits10);
  text << type;
  if (!is_any) {
    text << ":{" << (range.open ? ">" : "") << range.least << (range.open ? "" : "..");
    if (std::isfinite(range.most)) {
      text << range.most;
    }
    text << "}";
  }
  return text.str();
}

template <typename Value>
CLI::Option& add(CLI::App& command, const std::string& spelling, const std::string& help, const Give& give) {
  return *command.add_option_function<Value>(
      spelling, [give](const Value& value) { give(value); }, help);
}

CLI::Option& flag_of_kind(CLI::App& command, const OptionFacts& facts, const Json& now, const Give& give) {
  const bool is_on = facts.kind == OptionKind::kSwitch && now.get<bool>();
  const std::string spelling = spelling_of(facts, is_on);
  const std::string help = (is_on ? "do not " : "") + std::string(facts.help);
  switch (facts.kind) {
    case OptionKind::kSwitch:
      return *command.add_flag_function(
          spelling, [give, is_on](std::int64_t count) { give((count > 0) != is_on); }, help);
    case OptionKind::kWhole:
      return facts.range.least < 0.0
                 ? *add<std::int64_t>(command, spelling, help, give).type_name(type_of("INT", facts.range))
                 : *add<std::size_t>(command, spelling, help, give).type_name(type_of("UINT", facts.range));
    case OptionKind::kNumber:
      return *add<double>(command, spelling, help, give).type_name(type_of("FLOAT", facts.range));
    case OptionKind::kTexts:
      return add<std::vector<std::string>>(command, spelling, help, give);
    case OptionKind::kNumbers:
      return add<std::vector<double>>(command, spelling, help, give);
    case OptionKind::kText:
    case OptionKind::kChoice:
    case OptionKind::kObject:
      break;
  }
  CLI::Option& flag = add<std::string>(command, spelling, help, give);
  if (!facts.choices.empty()) {
    flag.check(CLI::IsMember(std::vector<std::string>(facts.choices.begin(), facts.choices.end())));
  }
  return flag;
}

}  // namespace

void add_option_flag(CLI::App& command, const OptionFacts& facts, const Json& now, const Give& give) {
  CLI::Option& flag = flag_of_kind(command, facts, now, give);
  flag.default_str(shown(facts, now));
  if (!facts.group.empty()) {
    flag.group(std::string(facts.group));
  }
}

void add_reward_flags(CLI::App& command, RewardOptions& flags) {
  add_option_flags(command, reward_options(), flags, [](const OptionFacts& facts) { return facts.name != "tokens"; });
}

void add_text_flags(CLI::App& command, RewardOptions& flags) {
  add_option_flags(command, reward_options(), flags, [](const OptionFacts& facts) {
    return facts.part == ManifestPart::kTemplate || facts.part == ManifestPart::kPrompt || facts.name == "score_turns";
  });
}

void add_template_flags(CLI::App& command, RewardOptions& flags) {
  add_option_flags(command, reward_options(), flags,
                   [](const OptionFacts& facts) { return facts.part == ManifestPart::kPrompt; });
}

}  // namespace endorm
