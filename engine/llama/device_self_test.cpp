#include <cmath>
#include <vector>

#include <llama.h>

#include "engine/llama/llama_decode.h"
#include "engine/llama/row_reader.h"
#include "engine/llama_complaints.h"

namespace endorm {

std::string device_self_test(llama_model* model, const LlamaEngineOptions& options, std::size_t vocabulary) {
  constexpr std::size_t kRows = 6;
  const auto columns = static_cast<std::size_t>(llama_vocab_n_tokens(llama_model_get_vocab(model)));
  const std::unique_ptr<DeviceReader> device = make_device_reader(columns);
  if (!device->fits(kRows, kRows)) {
    return "a vocabulary of " + std::to_string(vocabulary) + " is too small";
  }
  // The second sequence has no sampler: libllama then brings the rows of logits to the host as well.
  constexpr std::size_t kCells = 256;
  const LlamaContextHandle context =
      make_llama_context(model, options, {kCells, 2, kRows, device->samplers(1, kRows, kRows)});
  HeadRequest request{vocabulary, {}, {}};
  TokenBatch batch;
  std::vector<std::int32_t> places;
  for (std::size_t i = 0; i < kRows; ++i) {  // any tokens will do
    const bool last = i + 1 == kRows;
    batch.add(static_cast<Token>((i * 37 + 11) % vocabulary), last ? 0 : i, last ? 1 : 0, last ? 1 : 0, true);
    request.targets.push_back({static_cast<std::int32_t>((i * 101 + 3) % vocabulary)});
    places.push_back(static_cast<std::int32_t>(i));
  }
  for (const double alpha : {1.0, 0.7}) {
    llama_memory_clear(llama_get_memory(context.get()), true);
    request.alphas = {alpha};
    device->ask(request);
    if (llama_decode(context.get(), batch.view()) != 0) {
      return "decoding failed: " + take_llama_complaints();
    }
    llama_synchronize(context.get());
    const HeadResult found = device->take(context.get(), places);
    const float* logits = llama_get_logits(context.get());
    for (std::size_t row = 0; row < kRows; ++row) {
      const std::span<const float> all(logits + row * columns, vocabulary);
      const RowStatistics expected = row_statistics(all, alpha);
      const RowStatistics& row_found = found.rows[row].front();
      const float logit = all[static_cast<std::size_t>(request.targets[row].front())];
      const bool same = std::fabs(found.logits[row].front() - logit) <= 1e-5F * (1.0F + std::fabs(logit)) &&
                        std::fabs(row_found.log_sum_exp - expected.log_sum_exp) * alpha <= 1e-4 &&
                        std::fabs(row_found.entropy - expected.entropy) <= 1e-3 &&
                        std::fabs(row_found.uniform_divergence - expected.uniform_divergence) <= 1e-3;
      if (!same) {
        return "V is " + std::to_string(row_found.log_sum_exp * alpha) + " on the device, " +
               std::to_string(expected.log_sum_exp * alpha) + " on the host";
      }
    }
  }
  return "";
}

}  // namespace endorm
