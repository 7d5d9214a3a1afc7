#include "train/decoder_shape.h"

#include <cmath>
#include <map>

#include "core/errors.h"
#include "engine/weights/weight_file.h"

namespace endorm {
namespace {

// Keys of one architecture's metadata.
class Metadata {
 public:
  explicit Metadata(const WeightFile& file) : file_(file), architecture_(file.architecture()) {}

  const std::string& architecture() const { return architecture_; }

  std::size_t size(const std::string& key) const {
    const auto value = file_.integer(name(key));
    if (!value) {
      throw InvalidInput("[train] " + name(key) + " is missing in the model's metadata");
    }
    return static_cast<std::size_t>(*value);
  }
  std::size_t size_or(const std::string& key, std::size_t otherwise) const {
    return static_cast<std::size_t>(file_.integer(name(key)).value_or(otherwise));
  }
  double real_or(const std::string& key, double otherwise) const { return file_.real(name(key)).value_or(otherwise); }
  std::string text(const std::string& key) const { return file_.text(name(key)).value_or(""); }
  std::vector<std::uint64_t> integers(const std::string& key) const { return file_.integers(name(key)); }

 private:
  std::string name(const std::string& key) const { return architecture_ + "." + key; }

  const WeightFile& file_;
  std::string architecture_;
};

// Which layers see only the window: given layer by layer, or as a period whose last layer sees all.
std::vector<bool> local_layers(const Metadata& metadata, std::size_t layers) {
  std::vector<bool> local(layers, false);
  const std::vector<std::uint64_t> given = metadata.integers("attention.sliding_window_pattern");
  if (given.size() > 1 && given.size() != layers) {
    throw InvalidInput("[train] the pattern of sliding windows names " + std::to_string(given.size()) + " of " +
                       std::to_string(layers) + " layers");
  }
  const std::uint64_t period = given.empty() ? 6 : given.front();
  for (std::size_t layer = 0; layer < layers; ++layer) {
    local[layer] = given.size() > 1 ? given[layer] != 0 : period != 0 && layer % period != period - 1;
  }
  return local;
}

void refuse_what_is_not_built(const Metadata& metadata) {
  if (metadata.size_or("expert_count", 0) != 0) {
    throw InvalidInput("[train] mixtures of experts cannot be trained");
  }
  if (metadata.real_or("final_logit_softcapping", 0.0) != 0.0) {
    throw InvalidInput("[train] models that cap their logits cannot be trained");
  }
  const std::string scaling = metadata.text("rope.scaling.type");
  if (!scaling.empty() && scaling != "none" && scaling != "linear") {
    throw InvalidInput("[train] the rope scaling \"" + scaling + "\" is not built: none and linear are");
  }
}

}  // namespace

DecoderFamily decoder_family(const std::string& architecture) {
  static const std::map<std::string, DecoderFamily> families = {{"llama", DecoderFamily::kLlama},
                                                                {"qwen2", DecoderFamily::kQwen2},
                                                                {"qwen3", DecoderFamily::kQwen3},
                                                                {"gemma3", DecoderFamily::kGemma3}};
  const auto found = families.find(architecture);
  if (found == families.end()) {
    throw InvalidInput("[train] the architecture \"" + architecture +
                       "\" cannot be trained: llama, qwen2, qwen3 and gemma3 can");
  }
  return found->second;
}

DecoderShape read_decoder_shape(const WeightFile& file) {
  const Metadata metadata(file);
  DecoderShape shape;
  shape.family = decoder_family(metadata.architecture());
  refuse_what_is_not_built(metadata);
  shape.layers = metadata.size("block_count");
  shape.width = metadata.size("embedding_length");
  shape.feed_forward = metadata.size("feed_forward_length");
  shape.heads = metadata.size("attention.head_count");
  shape.key_heads = metadata.size_or("attention.head_count_kv", shape.heads);
  if (shape.layers == 0 || shape.heads == 0 || shape.key_heads == 0 || shape.heads % shape.key_heads != 0) {
    throw InvalidInput("[train] " + std::to_string(shape.layers) + " layers of " + std::to_string(shape.heads) +
                       " heads over " + std::to_string(shape.key_heads) + " heads of keys are no decoder");
  }
  shape.head_width = metadata.size_or("attention.key_length", shape.width / shape.heads);
  if (metadata.size_or("attention.value_length", shape.head_width) != shape.head_width) {
    throw InvalidInput("[train] keys and values of different widths are not built");
  }
  shape.rotated = metadata.size_or("rope.dimension_count", shape.head_width);
  const std::vector<std::int64_t> embedding = file.shape("token_embd.weight");
  shape.vocabulary = static_cast<std::size_t>(embedding.at(0));
  shape.context = metadata.size("context_length");
  shape.norm_epsilon = metadata.real_or("attention.layer_norm_rms_epsilon", 1e-6);
  shape.rope_base = metadata.real_or("rope.freq_base", 10000.0);
  shape.local_rope_base = metadata.real_or("rope.freq_base_swa", 10000.0);
  shape.rope_scale = metadata.real_or("rope.scaling.factor", 1.0);
  if (shape.family == DecoderFamily::kGemma3) {
    shape.window = metadata.size_or("attention.sliding_window", 0);
    shape.embedding_scale = std::sqrt(static_cast<double>(shape.width));
  }
  shape.local = shape.window == 0 ? std::vector<bool>(shape.layers, false) : local_layers(metadata, shape.layers);
  return shape;
}

}  // namespace endorm
