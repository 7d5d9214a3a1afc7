#pragma once

namespace endorm {

// Throws EngineError where llama.cpp was compiled for instructions that this processor lacks: by a build that is tuned
// for another machine, or by one for any processor since Haswell (GGML_NATIVE=OFF) on an older one. To be called before
// anything of ggml's kernels runs, which would end the process.
void require_processor_instructions();

}  // namespace endorm
