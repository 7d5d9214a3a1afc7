#include <cmath>
#include <optional>
#include <string_view>
#include <unordered_set>

#include <gguf.h>

#include "core/errors.h"
#include "engine/llama_complaints.h"
#include "engine/weights/gguf_file.h"

namespace endorm {
namespace {

// libllama's own limits.
constexpr std::uint32_t kMostBlocks = 512;
constexpr std::uint32_t kMostExperts = 1024;

[[noreturn]] void refuse(const std::string& path, const std::string& fact) {
  throw EngineError("[load model] " + path + " is damaged: " + fact + ". Download or convert it again.");
}

// These are read without a look at their type.
void check_types(const gguf_context* header, const std::string& path) {
  const std::pair<const char*, gguf_type> expected[] = {{"general.type", GGUF_TYPE_STRING},
                                                        {"general.architecture", GGUF_TYPE_STRING},
                                                        {"adapter.type", GGUF_TYPE_STRING},
                                                        {"adapter.lora.alpha", GGUF_TYPE_FLOAT32}};
  for (const auto& [key, type] : expected) {
    const std::int64_t id = gguf_find_key(header, key);
    if (id >= 0 && gguf_get_kv_type(header, id) != type) {
      refuse(path, std::string(key) + " is of type " + gguf_type_name(gguf_get_kv_type(header, id)) + ", not " +
                       gguf_type_name(type));
    }
  }
}

// A key of the file's architecture, without its prefix; none where it is absent or no 32-bit number.
std::optional<std::uint32_t> count_of(const gguf_context* header, const std::string& key) {
  const std::int64_t architecture = gguf_find_key(header, "general.architecture");
  if (architecture < 0) {
    return std::nullopt;
  }
  const std::int64_t id = gguf_find_key(header, (gguf_get_val_str(header, architecture) + ("." + key)).c_str());
  if (id < 0 || gguf_get_kv_type(header, id) != GGUF_TYPE_UINT32) {
    return std::nullopt;
  }
  return gguf_get_val_u32(header, id);
}

void check_counts(const gguf_context* header, const std::string& path) {
  const auto blocks = count_of(header, "block_count");
  if (blocks && (*blocks == 0 || *blocks > kMostBlocks)) {
    refuse(path, "block_count is " + std::to_string(*blocks) + ", not 1 to " + std::to_string(kMostBlocks));
  }
  const auto experts = count_of(header, "expert_count");
  if (experts && *experts > kMostExperts) {
    refuse(path, "expert_count is " + std::to_string(*experts) + ", above " + std::to_string(kMostExperts));
  }
  const auto used = count_of(header, "expert_used_count");
  if (used && (*used > experts.value_or(0) || (*used == 0 && experts.value_or(0) > 0))) {
    refuse(path, "expert_used_count is " + std::to_string(*used) + " of " + std::to_string(experts.value_or(0)));
  }
}

void check_epsilons(const gguf_context* header, const std::string& path) {
  for (std::int64_t id = 0; id < gguf_get_n_kv(header); ++id) {
    const std::string_view key = gguf_get_key(header, id);
    if (key.ends_with("_epsilon") && gguf_get_kv_type(header, id) == GGUF_TYPE_FLOAT32) {
      const float epsilon = gguf_get_val_f32(header, id);
      if (!std::isfinite(epsilon) || epsilon < 0) {
        refuse(path, std::string(key) + " is " + std::to_string(epsilon));
      }
    }
  }
}

void check_vocabulary(const gguf_context* header, const std::string& path) {
  const std::int64_t id = gguf_find_key(header, "tokenizer.ggml.tokens");
  if (id < 0 || gguf_get_kv_type(header, id) != GGUF_TYPE_ARRAY || gguf_get_arr_type(header, id) != GGUF_TYPE_STRING) {
    return;  // libllama says what it thinks of that
  }
  const std::size_t count = gguf_get_arr_n(header, id);
  std::unordered_set<std::string_view> met;
  met.reserve(count);
  for (std::size_t token = 0; token < count; ++token) {
    const std::string_view text = gguf_get_arr_str(header, id, token);
    if (!text.empty() && !met.insert(text).second) {  // empty ones are given names
      refuse(path, "token " + std::to_string(token) + " stands in the vocabulary twice");
    }
  }
}

}  // namespace

void check_gguf(const std::string& path) {
  take_llama_complaints();
  const GgufHandle header(gguf_init_from_file(path.c_str(), {.no_alloc = true, .ctx = nullptr}));
  if (!header) {
    refuse(path, take_llama_complaints());
  }
  check_types(header.get(), path);
  check_counts(header.get(), path);
  check_epsilons(header.get(), path);
  check_vocabulary(header.get(), path);
}

}  // namespace endorm
