#pragma once

namespace endorm {

// Gives memory that was freed, and that the C library keeps for later, back to the system.
void give_back_freed_memory();

}  // namespace endorm
