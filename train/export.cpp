#include "train/export.h"

#include <span>
#include <vector>

#include "core/errors.h"
#include "engine/weight_writer.h"
#include "train/decoder.h"

namespace endorm {
namespace {

// The tensors as what a writer takes; they hold the memory that is written.
std::vector<Weights> views_of(const NamedTensors& tensors) {
  std::vector<Weights> views;
  for (const auto& [name, tensor] : tensors) {
    views.push_back(
        {name, tensor.sizes().vec(), {tensor.const_data_ptr<float>(), static_cast<std::size_t>(tensor.numel())}});
  }
  return views;
}

}  // namespace

void export_model(const std::string& path, const WeightFile& like, const Decoder& decoder, TensorType type) {
  write_model(path, like, views_of(decoder.weights()), type);
}

void export_adapter(const std::string& path, const WeightFile& like, const Decoder& decoder) {
  if (!decoder.lora()) {
    throw InvalidInput("[export_adapter] this decoder has no adapters");
  }
  write_lora_adapter(path, like.architecture(), static_cast<float>(decoder.lora()->alpha),
                     views_of(decoder.adapters()));
}

}  // namespace endorm
