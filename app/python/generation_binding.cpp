#include <string>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "app/python/bindings.h"
#include "app/scoring_settings.h"
#include "core/utf8.h"
#include "score/request_tokens.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace endorm {
namespace {

// One completion a prompt [n], which is that of a record; the i-th draws from seed + i.
std::vector<Completion> complete(GuardedEngine& engine, const std::vector<const Request*>& prompts,
                                 std::size_t max_tokens, double temperature, double top_p,
                                 std::vector<std::string> stop, std::uint64_t seed, std::string chat_template_kwargs,
                                 std::string template_date) {
  ScoringSettings settings;
  settings.template_arguments = std::move(chat_template_kwargs);
  settings.template_date = std::move(template_date);
  const TemplateOptions text = template_options(settings);
  const SamplingOptions options{
      .max_tokens = max_tokens, .temperature = temperature, .top_p = top_p, .stop = std::move(stop)};
  const nb::gil_scoped_release released;
  const std::scoped_lock alone(engine.busy);
  std::vector<GenerationRequest> requests;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const Request& prompt = *prompts[i];
    requests.push_back({prompt.prompt_ids ? *prompt.prompt_ids
                                          : engine.engine->open_turn(prompt.messages, request_template(text, prompt)),
                        seed + i});
  }
  return engine.engine->generate(requests, options);
}

std::string end_of(const Completion& self) {
  return self.end == CompletionEnd::kEndOfTurn ? "end_of_turn" : self.end == CompletionEnd::kStop ? "stop" : "length";
}

// The tokens, and the one that ended the turn where one did.
std::vector<Token> ids_of(const Completion& self) {
  std::vector<Token> ids = self.tokens;
  if (self.end_token) {
    ids.push_back(*self.end_token);
  }
  return ids;
}

}  // namespace

void bind_generation(nb::module_& module) {
  nb::class_<Completion>(module, "Completion", "What a model wrote.")
      .def_prop_ro(
          "text", [](const Completion& self) { return valid_utf8(self.text); }, "Up to a stop string.")
      .def_prop_ro("token_ids", &ids_of, "With the token that ended the turn, where one did.")
      .def_prop_ro("end", &end_of, "\"end_of_turn\", \"stop\" or \"length\".");
  const SamplingOptions defaults;
  module.def(
      "complete", &complete, "engine"_a, "prompts"_a, nb::kw_only(), "max_tokens"_a = defaults.max_tokens,
      "temperature"_a = defaults.temperature, "top_p"_a = defaults.top_p, "stop"_a = std::vector<std::string>{},
      "seed"_a = 0, "chat_template_kwargs"_a = "", "template_date"_a = ScoringSettings{}.template_date,
      nb::sig(
          "def complete(engine: Engine, prompts: list[Request], *, max_tokens: int = ..., temperature: float = ..., "
          "top_p: float = ..., stop: list[str] = ..., seed: int = ..., chat_template_kwargs: str = ..., "
          "template_date: str = ...) -> list[Completion]"),
      "Draws one completion of the prompt of each record, in order. temperature 0 takes the most likely token. Raises "
      "ValueError where prompt and max_tokens do not fit the context.");
}

}  // namespace endorm
