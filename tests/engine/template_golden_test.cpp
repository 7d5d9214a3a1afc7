// Every template that llama.cpp ships against transformers' renderings of it.

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <tuple>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "engine/content_hash.h"
#include "tests/engine/instrumented.h"
#include "tests/engine/shipped_templates.h"
#include "tests/paths.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

enum class Outcome {
  kEqual,
  kBothRefuse,
  kDiffers,  // both render, and not the same
  kOnlyWeRender,
  kOnlyWeRefuse,
  kLeftOut,  // the template leaves out what is to be scored: we refuse it, transformers renders the rest
};

// Renderings, of those with arguments as objects and as text, that are not transformers', and why that is right or
// cannot be otherwise.
struct KnownDifference {
  const char* name;
  Outcome outcome;
  std::size_t count;
  const char* reason;
};

constexpr const char* kQuotes =
    "strings with both kinds of quotes within a printed object: Python escapes one kind, llama.cpp's jinja the other";
constexpr const char* kPrinted =
    "a null, a list or an object printed as text: Python's form, which llama.cpp's jinja lacks; Gemma's calls are also "
    "read behind a prompt whose closed reasoning the finished turn lacks";
constexpr const char* kNoContent =
    "a call without content, which this template refuses, is read as one with an empty content";
constexpr const char* kList = "the template puts in a list with append, which transformers' sandbox forbids";
constexpr const char* kRewritten =
    "the finished turn lacks what the prompt had (a system message, reasoning): the answer is read behind the prompt";
constexpr const char* kNoTools =
    "transformers gives a template None for tools that are not there, which this one takes for a list";

const std::vector<KnownDifference>& known_differences() {
  static const std::vector<KnownDifference> known{
      {"Apriel-1.6-15b-Thinker-fixed", Outcome::kDiffers, 64, kQuotes},
      {"CohereForAI-c4ai-command-r-plus-tool_use", Outcome::kDiffers, 22, kRewritten},
      {"CohereForAI-c4ai-command-r-plus-tool_use", Outcome::kOnlyWeRender, 25,
       "transformers gives a template None for tools that are not there, and a schema's absent members are refused"},
      {"Kimi-K2-Instruct", Outcome::kOnlyWeRender, 56, kList},
      {"Kimi-K2-Thinking", Outcome::kOnlyWeRender, 94, kList},
      {"LFM2-8B-A1B", Outcome::kOnlyWeRender, 4, kNoContent},
      {"LFM2.5-Instruct", Outcome::kOnlyWeRender, 4, kNoContent},
      {"NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use", Outcome::kDiffers, 8, kRewritten},
      {"NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use", Outcome::kOnlyWeRender, 3, kNoTools},
      {"NousResearch-Hermes-3-Llama-3.1-8B-tool_use", Outcome::kDiffers, 8, kRewritten},
      {"NousResearch-Hermes-3-Llama-3.1-8B-tool_use", Outcome::kOnlyWeRender, 3, kNoTools},
      {"Qwen-QwQ-32B", Outcome::kDiffers, 32, kRewritten},
      {"Qwen-QwQ-32B", Outcome::kOnlyWeRender, 6, kNoContent},
      {"Qwen-Qwen3-0.6B", Outcome::kOnlyWeRender, 44, kNoContent},
      {"SmolLM2 (own)", Outcome::kOnlyWeRender, 4, kNoContent},
      {"chatml", Outcome::kOnlyWeRender, 4, kNoContent},
      {"deepseek-ai-DeepSeek-R1-Distill-Llama-8B", Outcome::kOnlyWeRender, 4, kNoContent},
      {"deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", Outcome::kOnlyWeRender, 40, kNoContent},
      {"deepseek-ai-DeepSeek-V3.2", Outcome::kDiffers, 34, kRewritten},
      {"fireworks-ai-llama-3-firefunction-v2", Outcome::kOnlyWeRender, 85,
       "functions and datetime, which nobody defines, are nothing to llama.cpp's jinja and an error to jinja2"},
      {"google-gemma-4-31B-it", Outcome::kDiffers, 68, kPrinted},
      {"google-gemma-4-31B-it-interleaved", Outcome::kDiffers, 74, kPrinted},
      {"ibm-granite-granite-3.3-2B-Instruct", Outcome::kOnlyWeRender, 4, kNoContent},
      {"llama-cpp-deepseek-r1", Outcome::kOnlyWeRender, 38,
       "a generator in a list that is written with tojson, which jinja2 refuses and llama.cpp's jinja has as a list"},
      {"meetkai-functionary-medium-v3.1", Outcome::kDiffers, 38,
       "the template escapes the tools as HTML in jinja2 alone"},
      {"microsoft-Phi-3.5-mini-instruct", Outcome::kOnlyWeRender, 4, kNoContent},
      {"mistralai-Mistral-Nemo-Instruct-2407", Outcome::kDiffers, 19, kRewritten},
      {"openai-gpt-oss-120b", Outcome::kDiffers, 4, kRewritten},
      {"openbmb-MiniCPM5-1B", Outcome::kDiffers, 47, kPrinted},
      {"unsloth-Apriel-1.5", Outcome::kDiffers, 38, kQuotes},
      {"unsloth-mistral-Devstral-Small-2507", Outcome::kOnlyWeRender, 40, kNoContent},
  };
  return known;
}

// One rendering of ours.
struct Rendered {
  std::optional<std::string> text;  // none where it was refused
  bool left_out = false;            // because the template leaves out a part of the response
};

Rendered render(const PromptForm& form, const std::vector<Message>& messages, const TemplateOptions& options,
                const std::optional<Message>& answer) {
  try {
    if (!answer) {
      return {joined(form.open_turn(messages, options))};
    }
    if (answer->fields.empty()) {
      const Turn turn = form.turn(messages, options);
      return {joined(turn.finished ? *turn.finished : turn.prompt) + answer->content + joined(turn.after)};
    }
    const PlacedResponse placed = form.place_message(messages, {answer->content, false, answer->fields}, options);
    return {joined(placed.prompt) + joined(placed.response) + joined(placed.after)};
  } catch (const InvalidInput& error) {
    const std::string said = error.what();
    CHECK(said.find("[chat template]") != std::string::npos);
    return {std::nullopt, said.find("leaves out the ") != std::string::npos};
  }
}

bool equals(const std::string& ours, const Json& expected, const std::string& opened) {
  const std::size_t shared = expected.at(0);
  if (ours.size() < shared || ours.compare(0, shared, opened, 0, shared) != 0) {
    return false;
  }
  const std::string rest = ours.substr(shared);
  const Json& text = template_golden().at("texts").at(expected.at(1).get<std::size_t>());
  return text.is_string() ? rest == text.get<std::string>()
                          : rest.size() == text.at(0).get<std::size_t>() &&
                                hex(sha256(rest)).starts_with(text.at(1).get<std::string>());
}

// What a template should make of a case: transformers' rendering, of arguments as objects where it has one.
const Json& expected_entry(const Json& entries, const std::string& kind) {
  const std::string as_text = kind + ", arguments as text";
  return entries.at(kind).is_number() && entries.contains(as_text) ? entries.at(as_text) : entries.at(kind);
}

// Does transformers' rendering lack a part of the answer? Of a long one the text is not kept: taken for granted.
bool lacks_a_part(const Json& expected, const Message& answer) {
  const Json& text = template_golden().at("texts").at(expected.at(1).get<std::size_t>());
  if (!text.is_string()) {
    return true;
  }
  const auto lacks = [&](const std::string& words) {
    return !words.empty() && text.get<std::string>().find(words) == std::string::npos;
  };
  const Json fields = Json::parse(answer.fields);
  const Json calls = fields.value("tool_calls", Json::array());
  return lacks(answer.content) || lacks(fields.value("reasoning_content", "")) ||
         std::any_of(calls.begin(), calls.end(),
                     [&](const Json& call) { return lacks(call.at("function").at("name")); });
}

Outcome compare(const Rendered& ours, const Json& expected, const std::string& opened,
                const std::optional<Message>& answer) {
  if (expected.is_number()) {
    return ours.text ? Outcome::kOnlyWeRender : Outcome::kBothRefuse;
  }
  if (ours.left_out && answer && lacks_a_part(expected, *answer)) {
    return Outcome::kLeftOut;
  }
  return !ours.text                             ? Outcome::kOnlyWeRefuse
         : equals(*ours.text, expected, opened) ? Outcome::kEqual
                                                : Outcome::kDiffers;
}

using Counts = std::map<std::pair<std::string, Outcome>, std::size_t>;

void count_case(const std::string& name, const PromptForm& form, const std::string& title, const Json& entries,
                Counts& counts) {
  const Json& asked = template_golden().at("cases").at(title);
  TemplateOptions options;
  options.arguments = asked.contains("arguments") ? asked.at("arguments").dump() : "";
  options.date = asked.value("date", options.date);
  const bool calls = golden_messages(title) != golden_messages(title, true);
  for (const bool arguments_as_text : {false, true}) {
    const std::vector<Message> messages = golden_messages(title, arguments_as_text);
    const std::string opened = render(form, messages, options, std::nullopt).text.value_or("");
    for (const char* kind : {"open", "answer", "reasoned", "called", "reasoned and called"}) {
      const bool called = std::string(kind).ends_with("called");
      if (!entries.contains(kind) || (arguments_as_text && !calls && !called)) {
        continue;
      }
      std::optional<Message> answer;
      if (template_golden().at("answers").contains(kind)) {
        answer = golden_message(template_golden().at("answers").at(kind), arguments_as_text);
      }
      const auto ours = render(form, messages, options, answer);
      const Outcome outcome = compare(ours, expected_entry(entries, kind), opened, answer);
      ++counts[{name, outcome}];
      const bool listed = std::any_of(known_differences().begin(), known_differences().end(), [&](const auto& known) {
        return name == known.name && outcome == known.outcome;
      });
      CHECK_MESSAGE(
          (outcome == Outcome::kEqual || outcome == Outcome::kBothRefuse || outcome == Outcome::kLeftOut || listed),
          name << " | " << title << " | " << std::string(kind) << " | " << static_cast<int>(outcome) << "\n"
               << ours.text.value_or("(refused)"));
    }
  }
}

}  // namespace

TEST_CASE("every template that llama.cpp ships renders as transformers renders it, or both refuse it") {
  Counts counts;
  std::size_t looked_at = 0;
  for (const auto& [name, cases] : template_golden().at("templates").items()) {
    if (kInstrumented && ++looked_at % 5 != 0) {
      continue;
    }
    const auto form = shipped_form(name);
    for (const auto& [title, entries] : cases.items()) {
      if (!kInstrumented || ++looked_at % 5 == 0) {
        count_case(name, *form, title, entries, counts);
      }
    }
  }
  if (kInstrumented) {
    return;  // too few to be counted
  }
  std::map<Outcome, std::size_t> sums;
  for (const auto& [place, count] : counts) {
    sums[place.second] += count;
  }
  for (const KnownDifference& known : known_differences()) {
    CHECK_MESSAGE((counts[{known.name, known.outcome}] == known.count),
                  std::string(known.name) << " | " << static_cast<int>(known.outcome) << " | "
                                          << counts[{known.name, known.outcome}] << " | " << std::string(known.reason));
  }
  MESSAGE(sums[Outcome::kEqual] << " renderings equal, " << sums[Outcome::kBothRefuse] << " refused by both, "
                                << sums[Outcome::kDiffers] << " differ, " << sums[Outcome::kOnlyWeRender]
                                << " only we render, " << sums[Outcome::kOnlyWeRefuse] << " only we refuse, "
                                << sums[Outcome::kLeftOut] << " refused because the template leaves out a part");
  CHECK(sums[Outcome::kEqual] > 6000);
}

TEST_CASE("the goldens cover every template in llama.cpp's folder") {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(llama_path("models/templates"))) {
    if (entry.path().extension() == ".jinja") {
      ++files;
      CHECK_MESSAGE(template_golden().at("templates").contains(entry.path().stem().string()), entry.path());
    }
  }
  CHECK(files + template_golden().at("sources").size() == template_golden().at("templates").size());
}

}  // namespace endorm
