#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "engine/weights/gguf_file.h"

namespace endorm {

// The trained part of a scalar reward model: hidden state [D] -> reward. Either one linear layer, or two with
// max(0, x) between them.
class RewardHead {
 public:
  // From the tensors of a file whose names begin with "score.", as models for sequence classification are published:
  //   linear: score.weight [1,D], score.bias [1] (optional)
  //   two layers: score.0.weight [H,D], score.0.bias [H], score.2.weight [1,H], score.2.bias [1] (biases optional)
  // Throws InvalidInput on any other set of tensors, a shape that does not fit or a value that is not finite, naming
  // the tensor; file is what messages call their origin.
  RewardHead(const FileTensors& tensors, const std::string& file);

  std::size_t width() const { return layers_.front().inputs; }  // D

  // hidden [D]; sums in double. Throws InvalidInput where it has another width.
  double reward(std::span<const float> hidden) const;

 private:
  struct Layer {
    std::size_t inputs = 0;      // I
    std::size_t outputs = 0;     // O
    std::vector<float> weights;  // [O,I]
    std::vector<float> biases;   // [O], zeros where the file has none
  };

  static Layer read_layer(const FileTensors& tensors, const std::string& name, const std::string& file);

  std::vector<Layer> layers_;
};

// Reads a safetensors or a GGUF file, told apart by their first bytes. Of a file with a whole model only the head is
// read. Throws InvalidInput where it cannot be opened or read, and as RewardHead does.
RewardHead read_reward_head(const std::string& path);

}  // namespace endorm
