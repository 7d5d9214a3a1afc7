#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/atomic_file.h"
#include "engine/weights/gguf_file.h"
#include "engine/weights/tensor_type.h"
#include "engine/weights/weight_file.h"
#include "engine/weights/weight_writer.h"

namespace endorm {

// A GGUF file in the making: metadata in header(), then tensors, then write().
class GgufWriter {
 public:
  GgufWriter();

  // For gguf_set_val_*; general.alignment must stay unset.
  gguf_context* header() { return header_.get(); }
  // Everything but what describes how the tensors of that file are stored.
  void copy_metadata(const WeightFile& like);
  // Vectors are stored as f32, everything else as type. The values are read by write(). Throws InvalidInput where GGUF
  // cannot hold the name or shape, the values are not as many as the shape says, or one is beyond the type's range.
  void add(const Weights& weights, TensorType type);
  // general.file_type is set to `type`. Throws as AtomicFile does.
  void write(const std::string& path, TensorType type, Durability durability = Durability::kOnDisk);

 private:
  struct Stored {
    std::span<const float> values;
    TensorType type;
  };

  GgufHandle header_;
  std::vector<Stored> tensors_;
};

}  // namespace endorm
