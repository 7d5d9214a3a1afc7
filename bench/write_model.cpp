// A model file with every weight in one type: write_model --from GGUF --type f32|f16|bf16|q8_0|q4_0 --to GGUF.

#include <filesystem>
#include <map>

#include <llama.h>

#include "bench/runner_loop.h"
#include "core/errors.h"

namespace endorm {
namespace {

llama_ftype file_type_of(const std::string& type) {
  static const std::map<std::string, llama_ftype> kTypes = {{"f32", LLAMA_FTYPE_ALL_F32},
                                                            {"f16", LLAMA_FTYPE_MOSTLY_F16},
                                                            {"bf16", LLAMA_FTYPE_MOSTLY_BF16},
                                                            {"q8_0", LLAMA_FTYPE_MOSTLY_Q8_0},
                                                            {"q4_0", LLAMA_FTYPE_MOSTLY_Q4_0}};
  const auto found = kTypes.find(type);
  if (found == kTypes.end()) {
    throw InvalidInput("[write_model] \"" + type + "\" is not one of f32, f16, bf16, q8_0, q4_0");
  }
  return found->second;
}

void run(const Arguments& arguments) {
  const std::string source = arguments.at("--from");
  const std::string destination = arguments.at("--to");
  llama_model_quantize_params parameters = llama_model_quantize_default_params();
  parameters.allow_requantize = true;
  parameters.ftype = file_type_of(arguments.at("--type"));
  const std::string unfinished = destination + ".unfinished";
  if (llama_model_quantize(source.c_str(), unfinished.c_str(), &parameters) != 0) {
    throw EngineError("[write_model] " + source + " could not be written to " + destination);
  }
  std::filesystem::rename(unfinished, destination);
}

}  // namespace
}  // namespace endorm

int main(int argc, char** argv) {
  return endorm::run_program(argc, argv, [](const endorm::Arguments& arguments) {
    llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
    endorm::run(arguments);
  });
}
