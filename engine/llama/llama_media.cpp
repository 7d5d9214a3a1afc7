#include "engine/llama/llama_media.h"

#include <algorithm>
#include <utility>

#include <gguf.h>
#include <llama.h>
#include <mtmd-helper.h>
#include <mtmd.h>

#include "core/errors.h"
#include "engine/accelerator/accelerator.h"
#include "engine/image_header.h"
#include "engine/llama_complaints.h"
#include "engine/weights/gguf_file.h"

namespace endorm {
namespace {

constexpr std::size_t kAxes = 4;

// What the file calls its projector; empty where it says nothing.
std::string projector_of(const std::string& path) {
  const GgufFile file(path);
  for (const char* key : {"clip.projector_type", "clip.vision.projector_type"}) {
    const std::int64_t place = gguf_find_key(file.header(), key);
    if (place >= 0 && gguf_get_kv_type(file.header(), place) == GGUF_TYPE_STRING) {
      return gguf_get_val_str(file.header(), place);
    }
  }
  return {};
}

}  // namespace

void LlamaMedia::FreeContext::operator()(mtmd_context* context) const { mtmd_free(context); }
void LlamaMedia::FreeChunk::operator()(mtmd_input_chunk* chunk) const { mtmd_input_chunk_free(chunk); }
void LlamaMedia::FreeChunks::operator()(mtmd_input_chunks* chunks) const { mtmd_input_chunks_free(chunks); }

LlamaMedia::LlamaMedia(const llama_model* model, const LlamaEngineOptions& options, std::string fingerprint)
    : fingerprint_(std::move(fingerprint)),
      columns_(static_cast<std::size_t>(llama_model_n_embd_inp(model))),
      batch_tokens_(options.batch_tokens),
      most_encoded_bytes_(options.media_bytes) {
  around_images_ = projector_of(options.projector_path) == "gemma3" ? "\n\n" : "";
  take_llama_complaints();
  mtmd_context_params params = mtmd_context_params_default();
  params.use_gpu = uses_gpu(options);
  params.print_timings = false;
  params.warmup = false;
  params.n_threads = thread_count(options);
  if (options.flash_attention) {
    params.flash_attn_type = *options.flash_attention ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
  }
  context_.reset(mtmd_init_from_file(options.projector_path.c_str(), model, params));
  if (!context_) {
    throw InvalidInput("[load projector] " + options.projector_path + " does not load for this model: " +
                       take_llama_complaints() + ". Give the mmproj file that was made of the same checkpoint.");
  }
  sees_ = mtmd_support_vision(context_.get());
  hears_ = mtmd_support_audio(context_.get());
  needs_whole_ = sees_ && mtmd_decode_use_non_causal(context_.get(), nullptr);
  many_axes_ = mtmd_decode_use_mrope(context_.get());
}

LlamaMedia::~LlamaMedia() = default;

LlamaMedia::Chunks LlamaMedia::read(const Medium& medium) const {
  if (medium.kind == MediumKind::kImage) {
    image_size(medium);  // pixels are counted before any is decoded
  }
  take_llama_complaints();
  const auto* bytes = reinterpret_cast<const unsigned char*>(medium.bytes.data());
  const mtmd_helper_bitmap_wrapper read = mtmd_helper_bitmap_init_from_buf(
      context_.get(), bytes, medium.bytes.size(), /*placeholder=*/false, mtmd_helper_init_opt_default());
  const mtmd::bitmap_ptr bitmap(read.bitmap);
  if (!bitmap) {
    throw InvalidInput("[medium] this " + std::string(medium.kind == MediumKind::kImage ? "image" : "sound") +
                       " cannot be read: it is damaged, ends too early, or is packed in a way that is not known.");
  }
  Chunks chunks(mtmd_input_chunks_init());
  const mtmd_input_part part{nullptr, bitmap.get()};
  const mtmd_input_part* const parts[] = {&part};
  if (mtmd_tokenize_from_parts(context_.get(), chunks.get(), parts, 1, /*add_special=*/false) != 0) {
    throw InvalidInput("[medium] the model's encoder does not take this " +
                       std::string(medium.kind == MediumKind::kImage ? "image." : "sound."));
  }
  return chunks;
}

// What the tokens of a run of places are made of.
std::string LlamaMedia::content_of(const Medium& medium, std::size_t chunk) const {
  return medium.sha256 + "/" + std::to_string(chunk) + "/" + fingerprint_;
}

std::optional<LlamaMedia::Read> LlamaMedia::known(const Medium& medium) const {
  const auto found = known_.find(medium.sha256);
  std::shared_ptr<const Medium> held = found == known_.end() ? nullptr : found->second.medium.lock();
  return held ? std::optional(Read{found->second.tokens, std::move(held)}) : std::nullopt;
}

LlamaMedia::Read LlamaMedia::tokens(const std::shared_ptr<const Medium>& medium) {
  {
    const std::lock_guard lock(mutex_);
    if (std::optional<Read> read = known(*medium)) {
      return std::move(*read);
    }
  }
  const Chunks chunks = read(*medium);
  Tokens tokens;
  std::vector<std::pair<Token, Piece>> pieces;
  for (std::size_t i = 0; i < mtmd_input_chunks_size(chunks.get()); ++i) {
    const mtmd_input_chunk* chunk = mtmd_input_chunks_get(chunks.get(), i);
    if (mtmd_input_chunk_get_type(chunk) == MTMD_INPUT_CHUNK_TYPE_TEXT) {
      std::size_t count = 0;
      const llama_token* text = mtmd_input_chunk_get_tokens_text(chunk, &count);
      tokens.insert(tokens.end(), text, text + count);
      continue;
    }
    Piece piece;
    piece.medium = medium;
    piece.count = mtmd_input_chunk_get_n_tokens(chunk);
    piece.positions = static_cast<std::size_t>(mtmd_input_chunk_get_n_pos(chunk));
    piece.whole = mtmd_decode_use_non_causal(context_.get(), chunk);
    if (piece.whole && piece.count > batch_tokens_) {
      throw InvalidInput("[medium] the model reads this image in one pass of " + std::to_string(piece.count) +
                         " tokens. Give --batch-tokens " + std::to_string(piece.count) + " or more.");
    }
    piece.shape = {mtmd_input_chunk_get_placeholder(chunk), FreeChunk()};
    const std::string content = content_of(*medium, i);
    pieces.emplace_back(medium_token(content, 0), std::move(piece));
    for (std::size_t place = 0; place < pieces.back().second.count; ++place) {
      tokens.push_back(medium_token(content, place));
    }
  }
  const std::lock_guard lock(mutex_);
  if (std::optional<Read> read = known(*medium)) {  // another thread was sooner
    return std::move(*read);
  }
  for (auto& [first, piece] : pieces) {
    pieces_.insert_or_assign(first, std::move(piece));
  }
  known_.insert_or_assign(medium->sha256, Known{medium, tokens});
  forget_the_dead();
  return {std::move(tokens), medium};
}

void LlamaMedia::forget_the_dead() {
  if (known_.size() < forget_at_) {
    return;
  }
  std::erase_if(known_, [](const auto& known) { return known.second.medium.expired(); });
  std::erase_if(pieces_, [](const auto& piece) { return piece.second.medium.expired(); });
  forget_at_ = std::max<std::size_t>(forget_at_, 2 * known_.size());
}

bool LlamaMedia::knows(Token token) const {
  const std::lock_guard lock(mutex_);
  return pieces_.contains(token);
}

LlamaMedia::Piece LlamaMedia::piece(Token first) const {
  const std::lock_guard lock(mutex_);
  const auto found = pieces_.find(first);
  if (found == pieces_.end()) {
    throw InternalError("[media] a medium is not known that was");
  }
  return found->second;
}

std::vector<NodePlace> LlamaMedia::places(const TokenTree& tree) const {
  const auto nodes = tree.nodes();
  if (std::none_of(nodes.begin(), nodes.end(), [](const TokenTree::Node& node) { return is_medium(node.token); })) {
    return {};
  }
  std::vector<NodePlace> places(nodes.size());
  std::map<Token, Piece> pieces;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    NodePlace& place = places[i];
    const NodePlace above = nodes[i].parent ? places[*nodes[i].parent] : NodePlace{};
    place.position = above.end;
    place.end = above.end + 1;
    if (!is_medium(nodes[i].token)) {
      continue;
    }
    if (begins_medium(nodes[i].token)) {
      place.medium = nodes[i].token;
      pieces.try_emplace(place.medium, piece(place.medium));
    } else {
      place.medium = above.medium;
      place.index = above.index + 1;
      place.position = above.position;
    }
    const Piece& of = pieces.at(place.medium);
    place.end = place.index + 1 == of.count ? place.position + of.positions : place.position;
  }
  return places;
}

const std::vector<float>* LlamaMedia::find_encoded(Token first) {
  const auto found =
      std::find_if(encoded_.begin(), encoded_.end(), [&](const auto& each) { return each.first == first; });
  if (found == encoded_.end()) {
    return nullptr;
  }
  encoded_.splice(encoded_.begin(), encoded_, found);
  return &encoded_.front().second;
}

const std::vector<float>& LlamaMedia::encoded(Token first, const Piece& piece) {
  if (const std::vector<float>* found = find_encoded(first)) {
    return *found;
  }
  const std::shared_ptr<const Medium> medium = piece.medium.lock();
  if (!medium) {
    throw InternalError("[media] a medium is gone before it was encoded");
  }
  const Chunks chunks = read(*medium);
  // All pieces of an image are wanted: they follow one another.
  for (std::size_t i = mtmd_input_chunks_size(chunks.get()); i-- > 0;) {
    const mtmd_input_chunk* chunk = mtmd_input_chunks_get(chunks.get(), i);
    if (mtmd_input_chunk_get_type(chunk) == MTMD_INPUT_CHUNK_TYPE_TEXT) {
      continue;
    }
    const Token key = medium_token(content_of(*medium, i), 0);
    take_llama_complaints();
    if (mtmd_encode_chunk(context_.get(), chunk) != 0) {
      throw EngineError("[media] encoding failed: " + take_llama_complaints());
    }
    const float* vectors = mtmd_get_output_embd(context_.get());
    encoded_.emplace_front(key, std::vector<float>(vectors, vectors + mtmd_input_chunk_get_n_tokens(chunk) * columns_));
    encoded_bytes_ += encoded_.front().second.size() * sizeof(float);
  }
  if (find_encoded(first) == nullptr) {
    throw InternalError("[media] a medium has another form than when it was read");
  }
  while (encoded_bytes_ > most_encoded_bytes_ && encoded_.size() > 1) {
    encoded_bytes_ -= encoded_.back().second.size() * sizeof(float);
    encoded_.pop_back();
  }
  return encoded_.front().second;
}

// Of `tokens`, which are the places of a piece from `begin` on: [axes][tokens].
std::vector<std::int32_t> LlamaMedia::positions(const Piece& piece, std::size_t begin,
                                                std::span<const WaveToken> tokens,
                                                std::span<const NodePlace> places) const {
  const std::size_t count = tokens.size();
  const std::size_t axes = many_axes_ ? kAxes : 1;
  std::vector<std::int32_t> positions(axes * count);
  const auto base = static_cast<llama_pos>(places[tokens.front().node].position);
  const mtmd_image_tokens* image = mtmd_input_chunk_get_tokens_image(piece.shape.get());
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t place = begin + i;
    const auto along = static_cast<std::int32_t>(base + static_cast<llama_pos>(place));
    std::int32_t of_axis[kAxes] = {along, along, along, along};
    if (many_axes_ && image != nullptr) {
      const mtmd_decoder_pos at = mtmd_image_tokens_get_decoder_pos(image, base, place);
      of_axis[0] = static_cast<std::int32_t>(at.t);
      of_axis[1] = static_cast<std::int32_t>(at.y);
      of_axis[2] = static_cast<std::int32_t>(at.x);
      of_axis[3] = static_cast<std::int32_t>(at.z);
    }
    for (std::size_t axis = 0; axis < axes; ++axis) {
      positions[axis * count + i] = of_axis[axis];
    }
  }
  return positions;
}

void LlamaMedia::decode(const LlamaParts& parts, LlamaContextHandle& context, const TokenTree& tree,
                        const WaveStep& step, std::span<const NodePlace> places, const char* function) {
  const NodePlace& first = places[step.tokens.front().node];
  const Piece of = piece(first.medium);
  const std::vector<float>& vectors = encoded(first.medium, of);
  TokenBatch batch;
  for (const WaveToken& token : step.tokens) {
    batch.add(tree.nodes()[token.node].token, 0, token.first_sequence, token.last_sequence, token.read_row);
  }
  llama_batch view = batch.view();
  std::vector<llama_pos> positions = this->positions(of, first.index, step.tokens, places);
  std::vector<float> own(vectors.begin() + static_cast<std::ptrdiff_t>(first.index * columns_),
                         vectors.begin() + static_cast<std::ptrdiff_t>((first.index + step.tokens.size()) * columns_));
  view.token = nullptr;
  view.embd = own.data();
  view.pos = positions.data();
  if (of.whole) {
    llama_set_causal_attn(context.get(), false);
  }
  decode_batch(parts, context, view, function);
  if (of.whole) {
    llama_set_causal_attn(context.get(), true);
  }
}

}  // namespace endorm
