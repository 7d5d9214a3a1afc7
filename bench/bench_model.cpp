#include "bench/bench_model.h"

#include <filesystem>

#include <llama.h>

#include "core/errors.h"

namespace endorm {

void write_model_in(const std::string& type, const std::string& source, const std::string& destination) {
  if (std::filesystem::exists(destination)) {
    return;
  }
  llama_model_quantize_params parameters = llama_model_quantize_default_params();
  parameters.allow_requantize = true;
  if (type == "f32") {
    parameters.ftype = LLAMA_FTYPE_ALL_F32;
  } else if (type == "bf16") {
    parameters.ftype = LLAMA_FTYPE_MOSTLY_BF16;
  } else if (type == "f16") {
    parameters.ftype = LLAMA_FTYPE_MOSTLY_F16;
  } else {
    throw InvalidInput("[write_model_in] \"" + type + "\" is not one of f32, bf16, f16");
  }
  const std::string unfinished = destination + ".unfinished";
  if (llama_model_quantize(source.c_str(), unfinished.c_str(), &parameters) != 0) {
    throw EngineError("[write_model_in] " + source + " could not be written as " + type + " to " + destination);
  }
  std::filesystem::rename(unfinished, destination);
}

}  // namespace endorm
