#include <nanobind/nanobind.h>

#include "app/environment.h"
#include "app/python/bindings.h"
#include "app/version.h"
#include "core/errors.h"

namespace endorm {
namespace {

// Error becomes the class of this name in endorm/_errors.py, which clients that have no extension raise, too.
template <typename Error>
void raise_as(const char* name) {
  namespace nb = nanobind;
  nb::register_exception_translator(
      [](const std::exception_ptr& thrown, void* type) {
        try {
          std::rethrow_exception(thrown);
        } catch (const Error& error) {
          PyErr_SetString(static_cast<PyObject*>(type), error.what());
        }
      },
      nb::object(nb::module_::import_("endorm._errors").attr(name)).release().ptr());
}

}  // namespace
}  // namespace endorm

NB_MODULE(_core, module) {
  module.doc() = "EndoRM's C++ core: engines, scoring, rewards, grading, benchmarks.";
  module.attr("version") = endorm::kVersion;
  endorm::find_certificates();
  endorm::raise_as<endorm::InvalidInput>("InvalidInput");
  endorm::raise_as<endorm::EngineError>("EngineError");
  endorm::raise_as<endorm::InternalError>("InternalError");
  endorm::bind_option_types(module);
  endorm::bind_engine(module);
  endorm::bind_rewards(module);
  endorm::bind_turns(module);
  endorm::bind_scored(module);
  endorm::bind_scoring(module);
  endorm::bind_grading(module);
  endorm::bind_bench(module);
  endorm::bind_generation(module);
}
