#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "engine/llama/llama_engine.h"
#include "engine/llama/row_reader.h"

struct llama_model;
struct llama_sampler_seq_config;

namespace endorm {

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
