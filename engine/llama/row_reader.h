#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "engine/accelerator/accelerator.h"
#include "engine/accelerator/head_request.h"

struct llama_context;

namespace endorm {

// How statistics come out of a pass of libllama: ask before llama_decode, take after it.
class RowReader {
 public:
  virtual ~RowReader() = default;

  virtual void ask(const HeadRequest& request) = 0;
  // batch_places [rows]: which tokens of the batch the rows of the request stand behind.
  // Throws InvalidInput where a row is not finite.
  virtual HeadResult take(llama_context* context, std::span<const std::int32_t> batch_places) = 0;
};

// Reads rows of `columns` logits that the pass leaves in memory, rows in parallel: the reference for every other
// reader.
std::unique_ptr<RowReader> make_host_reader(std::size_t columns);

// The accelerator's head leaves no logits. Where a graph has no head that it knows, the host's reader takes over.
std::unique_ptr<RowReader> make_accelerator_reader(Accelerator& accelerator, std::size_t columns);

}  // namespace endorm
