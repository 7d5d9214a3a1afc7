#include <string>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "app/python/bindings.h"
#include "app/python/keywords.h"
#include "engine/engine.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace endorm {
namespace {

constexpr const char* kEngine = R"(One language model, ready to score: a GGUF file, a known name ("smollm2-135m"), or
"hf:ORG/REPO[:QUANT]", fetched where it is not in the cache.

options are the flags of `endorm score` for a model, by their names (lora=["FILE:SCALE"], precision="fast", threads=2,
...): _options.pyi has them all. cache: a file of token statistics, kept between processes.

May be used from many threads: calls take turns. Raises ValueError on a name, file or option that is wrong, RuntimeError
where the model cannot be fetched or loaded.)";

void make(GuardedEngine* place, std::string model, const std::optional<std::string>& cache, const nb::kwargs& options) {
  EngineSettings settings;
  Keywords keywords("Engine", options);
  keywords.read(engine_options(), settings);
  keywords.refuse_others();
  settings.model = std::move(model);
  if (const nb::object self = nb::module_::import_("sys").attr("executable"); nb::cast<bool>(nb::bool_(self))) {
    settings.python = nb::cast<std::string>(self);  // which has a pip of its own where python3 may be another's
  }
  const nb::gil_scoped_release released;
  new (place) GuardedEngine(settings, cache);
}

template <auto kField>
std::string model_field(const GuardedEngine& self) {
  return self.engine->model().*kField;
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
  return self.engine->tokens_computed();
}

}  // namespace

GuardedEngine::GuardedEngine(EngineSettings from, const std::optional<std::string>& cache_file)
    : settings(std::move(from)) {
  if (cache_file) {
    cache.emplace(cache_file);  // what is wrong with it is said before a model is loaded
  }
  engine = make_engine(settings);
}

GuardedScorer::GuardedScorer(Scorer& scorer, GuardedEngine& engine, GuardedEngine* reference)
    : scorer_(scorer), engine_(engine), reference_(reference == &engine ? nullptr : reference) {}

std::vector<Scored> GuardedScorer::score(std::span<const Request> requests) {
  if (reference_ != nullptr) {
    const std::scoped_lock both(engine_.busy, reference_->busy);
    return scorer_.score(requests);
  }
  const std::scoped_lock one(engine_.busy);
  return scorer_.score(requests);
}

void bind_engine(nb::module_& module) {
  nb::class_<GuardedEngine>(module, "Engine", kEngine)
      .def("__init__", &make, "model"_a = EngineSettings{}.model, nb::kw_only(), "cache"_a = nb::none(), "options"_a,
           nb::sig("def __init__(self, model: str = ..., *, cache: str | None = None, "
                   "**options: typing_extensions.Unpack[endorm._options.EngineOptions]) -> None"))
      .def_prop_ro("model_name", &model_field<&ModelInfo::name>, "The model's own name.")
      .def_prop_ro("fingerprint", &model_field<&ModelInfo::fingerprint>,
                   "What the numbers depend on: model, adapters, arithmetic, options.")
      .def_prop_ro("template_fingerprint", &model_field<&ModelInfo::template_fingerprint>,
                   "sha256 of the chat template, or \"plain\", \"raw\".")
      .def_prop_ro("model_file", &model_field<&ModelInfo::file>,
                   "Path of the GGUF file, or the address of a remote model's server.")
      .def_prop_ro("arithmetic", &model_field<&ModelInfo::arithmetic>,
                   "Of matrix products: \"exact bf16\", ...; empty for a remote model.")
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
        const ModelInfo model = self.engine->model();
        return "<endorm.Engine " + model.name + ", context " + std::to_string(self.engine->capabilities().context) +
               ", " + model.arithmetic + ">";
      });
}

}  // namespace endorm
