#pragma once

#include <string>

namespace endorm {

// A damaged file of weights can make libllama end the process while it loads. This looks first for what is known to do
// so: a header that does not parse, a value of another type, counts out of range, a token that stands twice. Reads the
// header of a model or an adapter. Throws EngineError naming the file and what is wrong with it.
//
// What it does not see: numbers that contradict each other or the tensors (heads, rotary dimensions) in architectures
// where libllama checks them only while it computes.
void check_gguf(const std::string& path);

}  // namespace endorm
