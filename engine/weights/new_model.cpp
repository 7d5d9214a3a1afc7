#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gguf.h>
#include <llama.h>

#include "core/errors.h"
#include "engine/byte_alphabet.h"
#include "engine/weights/weight_writer.h"

namespace endorm {
namespace {

constexpr std::size_t kMostLayers = 512;  // libllama's own limit

constexpr const char* kChatMl =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + "
    "'\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

void set_architecture(gguf_context* header, const NewModel& model) {
  const auto set = [&](const char* key, std::size_t value) {
    gguf_set_val_u32(header, (model.architecture + "." + key).c_str(), static_cast<std::uint32_t>(value));
  };
  const std::size_t head_width = model.width / model.heads;
  gguf_set_val_str(header, "general.architecture", model.architecture.c_str());
  gguf_set_val_str(header, "general.type", "model");
  set("block_count", model.layers);
  set("context_length", model.context);
  set("embedding_length", model.width);
  set("feed_forward_length", model.feed_forward);
  set("attention.head_count", model.heads);
  set("attention.head_count_kv", model.kv_heads);
  set("attention.key_length", head_width);
  set("attention.value_length", head_width);
  set("rope.dimension_count", head_width);
  set("vocab_size", kNewModelVocabulary);
  gguf_set_val_f32(header, (model.architecture + ".rope.freq_base").c_str(), static_cast<float>(model.rope_base));
  gguf_set_val_f32(header, (model.architecture + ".attention.layer_norm_rms_epsilon").c_str(),
                   static_cast<float>(model.norm_epsilon));
}

void set_vocabulary(gguf_context* header) {
  const auto alphabet = byte_level_alphabet();
  std::vector<const char*> tokens;
  tokens.reserve(kNewModelVocabulary);
  for (const std::string& spelling : alphabet) {
    tokens.push_back(spelling.c_str());
  }
  std::vector<std::int32_t> kinds(tokens.size(), LLAMA_TOKEN_TYPE_NORMAL);
  for (const char* const special : {"<|im_start|>", "<|im_end|>", "<|endoftext|>"}) {
    tokens.push_back(special);
    kinds.push_back(LLAMA_TOKEN_TYPE_CONTROL);
  }
  gguf_set_val_str(header, "tokenizer.ggml.model", "gpt2");
  gguf_set_val_str(header, "tokenizer.ggml.pre", "gpt-2");
  gguf_set_arr_str(header, "tokenizer.ggml.tokens", tokens.data(), tokens.size());
  gguf_set_arr_data(header, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, kinds.data(), kinds.size());
  gguf_set_arr_str(header, "tokenizer.ggml.merges", nullptr, 0);  // must be there, may be empty
  gguf_set_val_u32(header, "tokenizer.ggml.bos_token_id", kTextEndsToken);
  gguf_set_val_u32(header, "tokenizer.ggml.eos_token_id", kTurnEndsToken);
  gguf_set_val_u32(header, "tokenizer.ggml.padding_token_id", kTextEndsToken);
  gguf_set_val_bool(header, "tokenizer.ggml.add_bos_token", false);
  gguf_set_val_str(header, "tokenizer.chat_template", kChatMl);
}

}  // namespace

void check_new_model(const NewModel& model) {
  const auto require = [](bool holds, const std::string& fact) {
    if (!holds) {
      throw InvalidInput("[write_new_model] " + fact);
    }
  };
  require(model.architecture == "llama" || model.architecture == "qwen2" || model.architecture == "qwen3",
          "architecture \"" + model.architecture + "\" is not one of llama, qwen2, qwen3");
  require(model.layers > 0 && model.layers <= kMostLayers,
          std::to_string(model.layers) + " layers are not 1 to " + std::to_string(kMostLayers));
  constexpr std::size_t kLargest = std::numeric_limits<std::int32_t>::max();
  for (const auto& [name, size] : {std::pair<const char*, std::size_t>{"width", model.width},
                                   {"heads", model.heads},
                                   {"kv_heads", model.kv_heads},
                                   {"feed_forward", model.feed_forward},
                                   {"context", model.context}}) {
    require(size > 0 && size <= kLargest, std::string(name) + " is " + std::to_string(size));
  }
  require(model.width % (2 * model.heads) == 0, "width " + std::to_string(model.width) +
                                                    " is no even number for each of " + std::to_string(model.heads) +
                                                    " heads");
  require(model.heads % model.kv_heads == 0,
          std::to_string(model.kv_heads) + " kv_heads do not divide " + std::to_string(model.heads) + " heads");
  require(std::isfinite(model.rope_base) && model.rope_base > 1, "rope_base is " + std::to_string(model.rope_base));
  require(std::isfinite(model.norm_epsilon) && model.norm_epsilon > 0,
          "norm_epsilon is " + std::to_string(model.norm_epsilon));
}

void set_new_model_metadata(gguf_context* header, const NewModel& model) {
  check_new_model(model);
  set_architecture(header, model);
  set_vocabulary(header);
}

}  // namespace endorm
