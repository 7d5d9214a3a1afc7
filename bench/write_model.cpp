// A model file with every weight in one type: write_model --from GGUF --type f32|f16|bf16|q8_0|q4_0 --to GGUF.

#include <filesystem>

#include <llama.h>

#include "bench/runner_loop.h"
#include "core/errors.h"

namespace endorm {
namespace {

llama_ftype file_type_of(const std::string& type) {
  if (type == "f32") {
    return LLAMA_FTYPE_ALL_F32;
  }
  if (type == "f16") {
    return LLAMA_FTYPE_MOSTLY_F16;
  }
  if (type == "bf16") {
    return LLAMA_FTYPE_MOSTLY_BF16;
  }
  if (type == "q8_0") {
    return LLAMA_FTYPE_MOSTLY_Q8_0;
  }
  if (type == "q4_0") {
    return LLAMA_FTYPE_MOSTLY_Q4_0;
  }
  throw InvalidInput("[write_model] \"" + type + "\" is not one of f32, f16, bf16, q8_0, q4_0");
}

void run(int count, char** values) {
  const std::string source = argument_of(count, values, "--from");
  const std::string destination = argument_of(count, values, "--to");
  llama_model_quantize_params parameters = llama_model_quantize_default_params();
  parameters.allow_requantize = true;
  parameters.ftype = file_type_of(argument_of(count, values, "--type"));
  const std::string unfinished = destination + ".unfinished";
  if (llama_model_quantize(source.c_str(), unfinished.c_str(), &parameters) != 0) {
    throw EngineError("[write_model] " + source + " could not be written to " + destination);
  }
  std::filesystem::rename(unfinished, destination);
}

}  // namespace
}  // namespace endorm

int main(int argc, char** argv) {
  return endorm::run_program(argc, argv, [](int count, char** values) {
    llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
    endorm::run(count, values);
  });
}
