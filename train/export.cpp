#include "train/export.h"

#include "core/errors.h"
#include "engine/weights/weight_writer.h"
#include "train/decoder.h"
#include "train/decoder_weights.h"

namespace endorm {

void export_model(const std::string& path, const WeightFile& like, const Decoder& decoder, TensorType type,
                  Durability durability) {
  const NamedTensors weights = on_processor(decoder.merged_weights());
  write_model(path, like, views_of(weights), type, durability);
}

void export_adapter(const std::string& path, const WeightFile& like, const Decoder& decoder) {
  if (!decoder.lora()) {
    throw InvalidInput("[export_adapter] this decoder has no adapters");
  }
  const NamedTensors adapters = on_processor(decoder.adapters());
  write_lora_adapter(path, like.architecture(), static_cast<float>(decoder.lora()->alpha), views_of(adapters));
}

}  // namespace endorm
