#include <string>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "app/python/bindings.h"
#include "app/python/keywords.h"
#include "app/sampling_settings.h"
#include "core/utf8.h"
#include "score/request_tokens.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace endorm {
namespace {

// One completion a prompt [n], which is that of a record; the i-th draws from seed + i.
std::vector<Completion> complete(GuardedEngine& engine, const std::vector<const Request*>& prompts,
                                 const nb::kwargs& options) {
  SamplingSettings drawing;
  RewardOptions read;
  Keywords keywords("complete", options);
  keywords.read(sampling_options(), drawing);
  keywords.read(reward_options(), read, [](const OptionFacts& facts) { return facts.part == ManifestPart::kPrompt; });
  keywords.refuse_others();
  const nb::gil_scoped_release released;
  const std::scoped_lock alone(engine.busy);
  const TextForm& form = required(engine.engine->text_form(), *engine.engine, "complete");
  std::vector<GenerationRequest> requests;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const Request& prompt = *prompts[i];
    requests.push_back({prompt.prompt_ids ? *prompt.prompt_ids
                                          : form.open_turn(prompt.messages, request_template(read.score.text, prompt)),
                        drawing.seed + i});
  }
  return required(engine.engine->generator(), *engine.engine, "complete").generate(requests, drawing.sampling);
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
  module.def(
      "complete", &complete, "engine"_a, "prompts"_a, "options"_a,
      nb::sig("def complete(engine: Engine, prompts: list[Request], "
              "**options: typing_extensions.Unpack[endorm._options.GenerationOptions]) -> list[Completion]"),
      "Draws one completion of the prompt of each record, in order. temperature 0 takes the most likely token. Raises "
      "ValueError where prompt and max_tokens do not fit the context.");
}

}  // namespace endorm
