#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/llama/llama_decode.h"
#include "engine/medium.h"

struct mtmd_context;
struct mtmd_input_chunk;
struct mtmd_input_chunks;

namespace endorm {

// Where a node of a tree lies for the model: under rotary positions of several axes (M-RoPE) an image of many tokens
// takes as many positions as its longer side.
struct NodePlace {
  std::size_t position = 0;  // of a token; of a medium, where it begins
  std::size_t end = 0;       // where what follows it begins
  Token medium = 0;          // the first token of the medium that it belongs to; 0: none
  std::size_t index = 0;     // within that
};

// The images and sounds of one model, by libmtmd and the projector in a second GGUF file. Tokens may be asked for by
// any number of threads; what encodes and decodes, by one.
class LlamaMedia {
 public:
  // Throws InvalidInput where the file is missing, no GGUF, or made for another model.
  LlamaMedia(const llama_model* model, const LlamaEngineOptions& options, std::string fingerprint);
  ~LlamaMedia();

  bool sees() const { return sees_; }
  bool hears() const { return hears_; }
  // Whether the places of an image see those behind them: then they are computed in one pass.
  bool needs_whole() const { return needs_whole_; }

  // Text that the model's processor writes before and behind every image, which libmtmd does not: part of the prompt's
  // text, for its tokens may merge with what stands there.
  const std::string& around_images() const { return around_images_; }
  // What stands in a prompt for a medium: what the model's form puts around it, and its places.
  struct Read {
    Tokens tokens;
    // The medium of these bytes that they are computed from: whoever has the tokens holds it.
    std::shared_ptr<const Medium> held;
  };
  // Throws InvalidInput where it cannot be read.
  Read tokens(const std::shared_ptr<const Medium>& medium);
  bool knows(Token token) const;  // of the first place of a medium

  // Of every node; empty where there are no media in the tree.
  std::vector<NodePlace> places(const TokenTree& tree) const;
  // A pass over places of one medium, encoded at its first use. Throws EngineError where libllama fails.
  void decode(const LlamaParts& parts, LlamaContextHandle& context, const TokenTree& tree, const WaveStep& step,
              std::span<const NodePlace> places, const char* function);

 private:
  struct FreeContext {
    void operator()(mtmd_context* context) const;
  };
  struct FreeChunk {
    void operator()(mtmd_input_chunk* chunk) const;
  };
  struct FreeChunks {
    void operator()(mtmd_input_chunks* chunks) const;
  };
  using Chunks = std::unique_ptr<mtmd_input_chunks, FreeChunks>;
  // A run of places that is encoded together. An image may have several.
  struct Piece {
    std::weak_ptr<const Medium> medium;
    std::size_t count = 0;                    // places
    std::size_t positions = 0;                // that they take
    bool whole = false;                       // its places see those behind them
    std::shared_ptr<mtmd_input_chunk> shape;  // without pixels
  };
  struct Known {
    std::weak_ptr<const Medium> medium;
    Tokens tokens;
  };

  Chunks read(const Medium& medium) const;
  std::string content_of(const Medium& medium, std::size_t chunk) const;
  std::optional<Read> known(const Medium& medium) const;  // the mutex is held
  Piece piece(Token first) const;
  void forget_the_dead();
  const std::vector<float>& encoded(Token first, const Piece& piece);
  const std::vector<float>* find_encoded(Token first);  // and it is the latest
  std::vector<std::int32_t> positions(const Piece& piece, std::size_t begin, std::span<const WaveToken> tokens,
                                      std::span<const NodePlace> places) const;

  std::string fingerprint_;
  std::size_t columns_;       // of a vector
  std::size_t batch_tokens_;  // in one pass
  std::unique_ptr<mtmd_context, FreeContext> context_;
  std::string around_images_;
  bool sees_ = false;
  bool hears_ = false;
  bool needs_whole_ = false;
  bool many_axes_ = false;

  mutable std::mutex mutex_;
  std::map<std::string, Known, std::less<>> known_;  // by the SHA-256 of a medium
  std::map<Token, Piece> pieces_;                    // by the first place
  std::size_t forget_at_ = 256;                      // media

  std::list<std::pair<Token, std::vector<float>>> encoded_;  // the latest first
  std::size_t encoded_bytes_ = 0;
  std::size_t most_encoded_bytes_;
};

}  // namespace endorm
