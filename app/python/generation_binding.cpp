#include <string>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "app/python/bindings.h"
#include "core/utf8.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace endorm {
namespace {

using Conversation = std::vector<std::pair<std::string, std::string>>;  // (role, content)

// One completion a conversation [n]; the i-th draws from seed + i.
std::vector<Completion> complete(GuardedEngine& engine, const std::vector<Conversation>& prompts,
                                 std::size_t max_tokens, double temperature, double top_p,
                                 std::vector<std::string> stop, std::uint64_t seed) {
  const SamplingOptions options{
      .max_tokens = max_tokens, .temperature = temperature, .top_p = top_p, .stop = std::move(stop)};
  const std::scoped_lock alone(engine.busy);
  std::vector<GenerationRequest> requests;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    std::vector<Message> messages;
    for (const auto& [role, content] : prompts[i]) {
      messages.push_back({role, content});
    }
    requests.push_back({engine.engine->open_turn(messages), seed + i});
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
      "seed"_a = 0, nb::call_guard<nb::gil_scoped_release>(),
      "Draws one completion of each conversation of (role, content), in order. temperature 0 takes the most likely "
      "token. Raises ValueError where prompt and max_tokens do not fit the context.");
}

}  // namespace endorm
