#include <string>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "app/python/bindings.h"
#include "core/errors.h"
#include "engine/llama/llama_engine.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace endorm {
namespace {

constexpr const char* kEngine = R"(One language model, ready to score: a GGUF file, a known name ("smollm2-135m"), or
"hf:ORG/REPO[:QUANT]", fetched where it is not in the cache.

What changes the numbers: template ("model", "plain", "raw" or a jinja file), lora (["FILE" or "FILE:SCALE"]), context
(tokens; the model's own limit where None), precision ("exact", "fast", "native"), kv_type ("f16", "f32", "bf16",
"q8_0"), flash_attention and statistics ("auto", ...). What changes speed and memory alone: threads (0: all cores),
gpu_layers (-1: all), packed_megabytes, cache (a file of token statistics, kept between processes). remote is the URL of
an OpenAI-compatible server to ask in the place of a local model.

May be used from many threads: calls take turns. Raises ValueError on a name, file or option that is wrong, RuntimeError
where the model cannot be fetched or loaded.)";

int threads_from(int threads) {
  constexpr int kMost = 4096;
  if (threads < 0 || threads > kMost) {
    throw InvalidInput("[Engine] threads is " + std::to_string(threads) + ". Give 0 (all cores) to 4096.");
  }
  return threads;
}

void make(GuardedEngine* place, std::string model, std::string prompt_template, std::vector<std::string> lora,
          std::optional<std::size_t> context, std::string precision, std::string kv_type, std::string flash_attention,
          std::string statistics, int threads, int gpu_layers, std::optional<std::size_t> packed_megabytes,
          std::size_t wave_tokens, std::size_t batch_tokens, bool hash_model, bool offline,
          std::optional<std::string> remote, std::string remote_dialect, std::string remote_end_of_turn,
          std::optional<std::string> cache) {
  const EngineSettings settings{.model = std::move(model),
                                .prompt_template = std::move(prompt_template),
                                .adapters = std::move(lora),
                                .context = context,
                                .cache_type = std::move(kv_type),
                                .precision = std::move(precision),
                                .flash_attention = std::move(flash_attention),
                                .statistics = std::move(statistics),
                                .wave_tokens = wave_tokens,
                                .batch_tokens = batch_tokens,
                                .threads = threads_from(threads),
                                .gpu_layers = gpu_layers,
                                .packed_megabytes = packed_megabytes,
                                .offline = offline,
                                .no_model_hash = !hash_model,
                                .remote_url = remote.value_or(""),
                                .remote_dialect = std::move(remote_dialect),
                                .remote_end_of_turn = std::move(remote_end_of_turn)};
  new (place) GuardedEngine(settings, cache);
}

std::string arithmetic(const GuardedEngine& self) {
  const auto* local = dynamic_cast<const LlamaEngine*>(self.engine.get());
  return local != nullptr ? local->arithmetic() : "";
}

std::string model_file(const GuardedEngine& self) {
  const auto* local = dynamic_cast<const LlamaEngine*>(self.engine.get());
  return local != nullptr ? local->model_info().file : "";
}

nb::list token_bytes(GuardedEngine& self, const Tokens& ids) {
  std::vector<std::string> pieces;
  {
    const nb::gil_scoped_release released;
    const std::scoped_lock alone(self.busy);
    self.engine->tokenize_ids(ids, ids);  // throws where one is no token
    for (const Token id : ids) {
      pieces.push_back(self.engine->token_bytes(id));
    }
  }
  nb::list bytes;
  for (const std::string& piece : pieces) {
    bytes.append(nb::bytes(piece.data(), piece.size()));
  }
  return bytes;
}

std::size_t tokens_computed(GuardedEngine& self) {
  const nb::gil_scoped_release released;
  const std::scoped_lock alone(self.busy);
  return self.engine->counts().tokens_computed;
}

}  // namespace

void bind_engine(nb::module_& module) {
  nb::class_<GuardedEngine>(module, "Engine", kEngine)
      .def("__init__", &make, "model"_a = "smollm2-135m", nb::kw_only(), "template"_a = "model",
           "lora"_a = std::vector<std::string>{}, "context"_a = nb::none(), "precision"_a = "exact",
           "kv_type"_a = "f16", "flash_attention"_a = "auto", "statistics"_a = "auto", "threads"_a = 0,
           "gpu_layers"_a = -1, "packed_megabytes"_a = nb::none(), "wave_tokens"_a = 0, "batch_tokens"_a = 0,
           "hash_model"_a = true, "offline"_a = false, "remote"_a = nb::none(), "remote_dialect"_a = "vllm",
           "remote_end_of_turn"_a = "", "cache"_a = nb::none(), nb::call_guard<nb::gil_scoped_release>())
      .def_prop_ro(
          "model_name", [](const GuardedEngine& self) { return self.engine->model_name(); }, "The model's own name.")
      .def_prop_ro(
          "fingerprint", [](const GuardedEngine& self) { return self.engine->fingerprint(); },
          "What the numbers depend on: model, adapters, arithmetic, options.")
      .def_prop_ro(
          "template_fingerprint", [](const GuardedEngine& self) { return self.engine->template_fingerprint(); },
          "sha256 of the chat template, or \"plain\", \"raw\".")
      .def_prop_ro("model_file", &model_file, "Path of the GGUF file; empty for a remote model.")
      .def_prop_ro("arithmetic", &arithmetic, "Of matrix products: \"exact bf16\", ...; empty for a remote model.")
      .def_prop_ro(
          "context", [](const GuardedEngine& self) { return self.engine->capabilities().context; },
          "Longest sequence in tokens; 0: not known.")
      .def_prop_ro(
          "raw_logits", [](const GuardedEngine& self) { return self.engine->capabilities().raw_logits; },
          "Whether V, Q and r can be had, or log-probabilities alone.")
      .def_prop_ro("tokens_computed", &tokens_computed, "Tokens that went through the model so far.")
      .def("token_bytes", &token_bytes, "token_ids"_a,
           nb::sig("def token_bytes(self, token_ids: Sequence[int]) -> list[bytes]"),
           "The bytes of each token; special tokens are spelled out. Raises ValueError on an id that is no token's.")
      .def("__repr__", [](const GuardedEngine& self) {
        return "<endorm.Engine " + self.engine->model_name() + ", context " +
               std::to_string(self.engine->capabilities().context) + ", " + arithmetic(self) + ">";
      });
}

}  // namespace endorm
