#include "engine/llama/processor_instructions.h"

#include <string>
#include <utility>
#include <vector>

#include <ggml-cpu.h>

#include "core/errors.h"
#include "core/listed.h"

namespace endorm {

void require_processor_instructions() {
#if defined(__x86_64__) && defined(__GNUC__)
  const auto has_avx512 = [] {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
  };
  std::vector<std::string> missing;
  const auto need = [&](const char* name, bool compiled, bool here) {
    if (compiled && !here) {
      missing.emplace_back(name);
    }
  };
  need("AVX", ggml_cpu_has_avx() != 0, __builtin_cpu_supports("avx"));
  need("AVX2", ggml_cpu_has_avx2() != 0, __builtin_cpu_supports("avx2"));
  need("FMA", ggml_cpu_has_fma() != 0, __builtin_cpu_supports("fma"));
  need("BMI2", ggml_cpu_has_bmi2() != 0, __builtin_cpu_supports("bmi2"));
  need("AVX-512", ggml_cpu_has_avx512() != 0, has_avx512());
  need("AVX512-VBMI", ggml_cpu_has_avx512_vbmi() != 0, __builtin_cpu_supports("avx512vbmi"));
  need("AVX512-VNNI", ggml_cpu_has_avx512_vnni() != 0, __builtin_cpu_supports("avx512vnni"));
  need("AVX512-BF16", ggml_cpu_has_avx512_bf16() != 0, __builtin_cpu_supports("avx512bf16"));
  if (!missing.empty()) {
    throw EngineError(
        "[load model] this build of EndoRM needs a processor with " + listed(missing) +
        ". Build it on this machine, for its processor; builds of scripts/wheel.sh run on any with AVX2.");
  }
#endif
}

}  // namespace endorm
