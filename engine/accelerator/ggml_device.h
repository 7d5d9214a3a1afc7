#pragma once

namespace endorm {

// Registers our device with ggml, once a process. It is of the kind ACCEL: every context gets a backend of it, which
// takes whole graphs while an Accelerator is in use on the thread (Accelerator::Use), and nothing otherwise.
void register_accelerator_device();

}  // namespace endorm
