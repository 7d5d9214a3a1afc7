#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "engine/accelerator/accelerator.h"
#include "engine/llama/llama_engine.h"

struct llama_context;
struct llama_model;
struct llama_sampler_seq_config;

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

// Statistics are computed where the logits are (on a GPU, say) and come back as three numbers a row and one a target:
// rows of logits never leave the device. It adds its nodes to libllama's graph as a backend sampler.
class DeviceReader : public RowReader {
 public:
  // Samplers for the sequences [0, sequences) of a context about to be made; the context before it must be gone. They
  // live until the next call, or as long as the reader. targets: the most that a pass will ask for.
  virtual std::span<llama_sampler_seq_config> samplers(std::size_t sequences, std::size_t rows,
                                                       std::size_t targets) = 0;
  // Whether a pass with so many rows and targets can be answered.
  virtual bool fits(std::size_t rows, std::size_t targets) const = 0;
};

// Whether the options ask for it: StatisticsPlace::kAuto does where the model's last layer is on a GPU.
bool wants_device_statistics(const llama_model* model, const LlamaEngineOptions& options);

// columns: of a row of logits, padding included.
std::unique_ptr<DeviceReader> make_device_reader(std::size_t columns);

// Rows in one pass: libllama keeps host buffers of 16 bytes a column for each, which the device then hardly fills.
std::size_t device_rows(std::size_t columns, std::size_t batch_tokens);

// Decodes a few tokens and compares the device's statistics with those of the same rows read by the host, at two values
// of alpha. Returns what is wrong, or nothing where all agree: logits to 1e-5 of their size, V within 1e-4 nats,
// entropy and divergence from uniform within 1e-3 nats.
std::string device_self_test(llama_model* model, const LlamaEngineOptions& options, std::size_t vocabulary);

}  // namespace endorm
