#include "train/export.h"

#include "core/errors.h"
#include "engine/weight_writer.h"
#include "train/decoder.h"
#include "train/decoder_weights.h"

namespace endorm {
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
