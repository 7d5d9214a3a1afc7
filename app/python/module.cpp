#include <nanobind/nanobind.h>

#include "app/python/bindings.h"
#include "app/version.h"
#include "core/errors.h"

namespace endorm {

void bind_errors(nanobind::module_& module) {
  namespace nb = nanobind;
  nb::exception<InvalidInput>(module, "InvalidInput", PyExc_ValueError).doc() =
      "The caller's mistake: a bad record, option or file. A ValueError.";
  nb::exception<EngineError>(module, "EngineError", PyExc_RuntimeError).doc() =
      "The world failed: a model that does not load, a full disk, a server that does not answer. A RuntimeError.";
  nb::exception<InternalError>(module, "InternalError", PyExc_RuntimeError).doc() =
      "A check inside EndoRM failed: a defect, please report it. A RuntimeError.";
}

}  // namespace endorm

NB_MODULE(_core, module) {
  module.doc() = "EndoRM's C++ core: engines, scoring, rewards, grading, benchmarks.";
  module.attr("version") = endorm::kVersion;
  endorm::bind_errors(module);
  endorm::bind_engine(module);
  endorm::bind_rewards(module);
  endorm::bind_turns(module);
  endorm::bind_scored(module);
  endorm::bind_scoring(module);
  endorm::bind_grading(module);
  endorm::bind_bench(module);
  endorm::bind_generation(module);
}
