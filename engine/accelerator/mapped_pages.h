#pragma once

#include <cstddef>

namespace endorm {

// Gives the whole pages inside [data, data + bytes) back to the kernel where they belong to a file that is mapped: a
// later read fetches them from the file again. Memory that is no file's is left alone. Returns the bytes given back.
std::size_t release_mapped_pages(const void* data, std::size_t bytes);

// Gives the whole pages inside memory of our own process back to the kernel: their numbers are lost, and come as zeros
// if they are read.
void forget_pages(void* data, std::size_t bytes);

}  // namespace endorm
