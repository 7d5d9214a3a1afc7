#pragma once

#include <torch/torch.h>

namespace endorm {

// A device that stands in for a GPU where there is none. Its tensors have numbers and every operation works, by copies
// to the processor and back; and it refuses what a GPU refuses: an operation on tensors of it and of the processor ends
// with c10::Error, a pointer into it that the processor reads ends the program. libtorch's place for devices of others,
// PrivateUse1, is taken by it.
torch::Device far_device();

}  // namespace endorm
