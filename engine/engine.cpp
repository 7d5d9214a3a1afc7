#include "engine/engine.h"

#include "core/errors.h"

namespace endorm {
namespace {

[[noreturn]] void refuse(const char* what, const Engine& engine) {
  const std::string& reason = engine.capabilities().missing_reason;
  throw InvalidInput("[" + std::string(what) + "] " + engine.model_name() + " cannot do this" +
                     (reason.empty() ? std::string(": use a local model") : ": " + reason));
}

}  // namespace

Tokens Engine::open_turn(std::span<const Message>) const { refuse("open_turn", *this); }

std::vector<Completion> Engine::generate(std::span<const GenerationRequest>, const SamplingOptions&) {
  refuse("generate", *this);
}

std::vector<std::vector<float>> Engine::hidden_states(std::span<const Tokens>) { refuse("hidden_states", *this); }

}  // namespace endorm
