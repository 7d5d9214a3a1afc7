#pragma once

namespace endorm {

// From here on the process keeps the memory that it frees. glibc gives large blocks back to the kernel at each free,
// and a training step, which takes and frees tensors of the same sizes again and again, then spends a third of its time
// on pages that are zeroed anew.
void keep_freed_memory();

}  // namespace endorm
