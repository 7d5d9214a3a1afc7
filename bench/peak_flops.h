#pragma once

#include <optional>

namespace endorm {

// What this processor reaches right now on dependent-free multiply-adds held in registers, in GFLOP/s over `threads`
// threads: the ceiling of any matrix product. Measured, because names and clocks say too little on shared machines.
double peak_f32_gflops(int threads);
// The same of bf16 dot products accumulated in f32; none where the processor has no such instruction.
std::optional<double> peak_bf16_gflops(int threads);
// The same of int8 dot products (unsigned times signed) accumulated in int32.
std::optional<double> peak_int8_gflops(int threads);

}  // namespace endorm
