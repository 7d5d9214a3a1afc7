#include "engine/llama/llama_engine.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <llama.h>

#include "core/errors.h"
#include "engine/content_hash.h"
#include "engine/llama/llama_accelerator.h"
#include "engine/llama/llama_generation.h"
#include "engine/llama/llama_handles.h"
#include "engine/llama/llama_hidden_states.h"
#include "engine/llama/llama_media.h"
#include "engine/llama/llama_passes.h"
#include "engine/turns/chat_template.h"
#include "engine/turns/tokenizer.h"

namespace endorm {
namespace {

class LlamaEngineImplementation final : public LlamaEngine {
 public:
  explicit LlamaEngineImplementation(const LlamaEngineOptions& options)
      : options_(with_precision(options)),
        model_(load_llama_model(options_)),
        tokenizer_(llama_model_get_vocab(model_.get())) {
    info_ = describe_model(model_.get());
    info_.vocabulary = tokenizer_.vocabulary().real_size();
    info_.padding_columns =
        static_cast<std::size_t>(llama_vocab_n_tokens(llama_model_get_vocab(model_.get()))) - info_.vocabulary;
    make_form();
    if (options.hash_model) {
      sha256_ = cached_file_sha256(options.model_path, options.hash_cache_directory);
    }
    set_capabilities();
    std::vector<llama_adapter_lora*> adapters;
    for (const LoraAdapter& adapter : options.adapters) {
      adapters.push_back(load_lora_adapter(model_.get(), adapter));
    }
    accelerator_ = make_accelerator(options_);
    if (!options_.projector_path.empty()) {
      projector_sha256_ = cached_file_sha256(options_.projector_path, options_.hash_cache_directory);
      media_ = std::make_unique<LlamaMedia>(model_.get(), options_, projector_sha256_);
      capabilities_.images = media_->sees();
      capabilities_.sounds = media_->hears();
    }
    const LlamaParts parts{model_.get(), &options_, &info_, std::move(adapters), accelerator_.get(), media_.get()};
    passes_ = std::make_unique<LlamaPasses>(parts);
    capabilities_.kept_tokens = passes_->kept_tokens();
    hidden_states_ = std::make_unique<LlamaHiddenStates>(parts);
    generation_ = std::make_unique<LlamaGeneration>(parts, [this](Token token) { return token_bytes(token); });
    fingerprint_ = make_fingerprint();
  }

  const Capabilities& capabilities() const override { return capabilities_; }
  ModelInfo model() const override {
    return {.name = model_name(),
            .file = options_.model_path,
            .sha256 = sha256_,
            .fingerprint = fingerprint_,
            .template_fingerprint = template_fingerprint(),
            .arithmetic = arithmetic(),
            .vocabulary = info_.vocabulary};
  }
  const LlamaModelInfo& model_info() const override { return info_; }
  std::string statistics_fault() const override { return passes_->statistics_fault(); }
  AcceleratorInfo accelerator_info() const override { return describe_accelerator(accelerator_.get(), options_); }
  std::size_t tokens_computed() const override { return passes_->tokens_computed(); }
  std::size_t tokens_computed_to_generate() const override { return generation_->tokens_computed(); }
  std::string token_bytes(Token token) const override {
    if (is_medium(token)) {
      return begins_medium(token) ? "[image]" : "";
    }
    check_token("token_bytes", token);
    return tokenizer_.vocabulary().token_bytes(token);
  }

  std::vector<TokenizedResponse> tokenize(std::span<const Message> messages, std::span<const ResponseText> responses,
                                          const TemplateOptions& options) const override {
    check_form("tokenize");
    const MediaOfMessages media = media_of(messages);
    std::optional<Turn> turn;
    std::vector<TokenizedResponse> tokenized;
    tokenized.reserve(responses.size());
    for (const ResponseText& response : responses) {
      if (response.fields.empty() && !turn) {
        turn = form_->turn(messages, options);
      }
      PlacedResponse placed = response.fields.empty() ? place_response(*turn, response, options.reading)
                                                      : form_->place_message(messages, response, options);
      if (!media.media.empty()) {
        placed.prompt = around_media(std::move(placed.prompt), media_->around_images());
      }
      tokenized.push_back(tokenizer_.tokenize(placed, response.truncated, options));
      if (!media.media.empty()) {
        tokenized.back().prompt = with_media_tokens(tokenized.back().prompt, media.tokens);
        tokenized.back().media = media.media;
      }
    }
    return tokenized;
  }

  std::vector<TokenizedResponse> tokenize_raw(std::string_view prompt, std::span<const ResponseText> responses,
                                              const TemplateOptions& options) const override {
    Turn turn;
    turn.prompt.push_back({std::string(prompt)});
    turn.context = ResponseContext::kRaw;
    std::vector<TokenizedResponse> tokenized;
    for (const ResponseText& response : responses) {
      tokenized.push_back(
          tokenizer_.tokenize(place_response(turn, response, options.reading), response.truncated, options));
    }
    return tokenized;
  }

  TokenizedResponse tokenize_ids(const Tokens& prompt, const Tokens& response) const override {
    for (const Tokens* tokens : {&prompt, &response}) {
      for (const Token token : *tokens) {
        check_token("tokenize_ids", token);
      }
    }
    return tokenizer_.of_tokens(prompt, response);
  }

  TurnMarks turn_marks(const TemplateOptions& options, const std::string& opening) const override {
    TurnMarks marks = form_ ? endorm::turn_marks(*form_, options) : TurnMarks{};
    if (!opening.empty()) {
      marks.opening = opening;
    }
    tokenizer_.spell_marks(marks);
    return marks;
  }

  SpecialTexts special_texts() const override {
    const Vocabulary& vocabulary = tokenizer_.vocabulary();
    return {vocabulary.bos_text(), vocabulary.eos_text(), vocabulary.pad_text(),
            form_ && form_->is_jinja() ? form_->source() : ""};
  }

  std::vector<std::vector<TokenStats>> evaluate(const TokenTree& tree, const EvaluateOptions& options) override {
    for (const TokenTree::Node& node : tree.nodes()) {
      const bool within = node.parent && is_medium(tree.nodes()[*node.parent].token);
      if (!is_medium(node.token) || !media_) {
        check_token("evaluate", node.token);
      } else if (begins_medium(node.token) ? !media_->knows(node.token) : !within) {
        throw InvalidInput("[evaluate] token " + std::to_string(node.token) +
                           " stands for no image or sound known here");
      }
      check_length("evaluate", node.depth + 1);
    }
    return passes_->run(tree, options);
  }

  Tokens open_turn(std::span<const Message> messages, const TemplateOptions& options) const override {
    check_form("open_turn");
    if (has_media(messages)) {
      throw InvalidInput(
          "[open_turn] nothing can be drawn behind an image or a sound: responses to them are read only.");
    }
    return tokenizer_.tokenize_prompt(form_->open_turn(messages, options));
  }

  std::vector<std::vector<float>> read(std::span<const Tokens> sequences) override {
    for (const Tokens& sequence : sequences) {
      if (sequence.empty()) {
        throw InvalidInput("[hidden_states] a sequence is empty: there is no token to read a state behind");
      }
      check_sequence("hidden_states", sequence, sequence.size());
    }
    return hidden_states_->read(sequences);
  }

 private:
  void generate_each(std::span<const GenerationRequest> requests, const SamplingOptions& options,
                     const CompletionSink& sink) override {
    for (const GenerationRequest& request : requests) {
      if (request.prompt.empty()) {
        throw InvalidInput("[generate] a prompt is empty: nothing precedes the first token");
      }
      check_sequence("generate", request.prompt, request.prompt.size() + options.max_tokens);
    }
    generation_->run(requests, options, sink);
  }

  struct MediaOfMessages {
    std::vector<std::shared_ptr<const Medium>> media;
    std::vector<Tokens> tokens;  // of each
  };

  MediaOfMessages media_of(std::span<const Message> messages) const {
    MediaOfMessages of;
    for (const Message& message : messages) {
      for (const PlacedMedium& placed : message.media) {
        if (!placed.medium) {
          throw InvalidInput("[tokenize] images and sounds are not read here.");
        }
        const bool is_image = placed.medium->kind == MediumKind::kImage;
        if (!(is_image ? capabilities_.images : capabilities_.sounds)) {
          throw InvalidInput("[tokenize] " + model_name() + " reads no " + (is_image ? "images" : "sounds") +
                             " here. Give the mmproj file of a model that does with --mmproj.");
        }
        LlamaMedia::Read read = media_->tokens(placed.medium);
        of.tokens.push_back(std::move(read.tokens));
        of.media.push_back(std::move(read.held));
      }
    }
    return of;
  }

  std::string model_name() const { return std::filesystem::path(options_.model_path).filename().string(); }

  std::string arithmetic() const {
    return accelerator_name(accelerator_.get()) + (passes_->statistics_on_device() ? ", statistics on the device" : "");
  }

  std::string template_fingerprint() const {
    const std::string source = form_ ? form_->source() : "none";
    return source == "plain" || source == "raw" || source == "none" ? source : hex(sha256(source));
  }

  void make_form() {
    const std::string bos = tokenizer_.vocabulary().bos_text();
    const std::string eos = tokenizer_.vocabulary().eos_text();
    switch (options_.template_source) {
      case TemplateSource::kModel:
        if (const char* source = llama_model_chat_template(model_.get(), nullptr)) {
          form_ = make_jinja_form(source, bos, eos);
        }
        break;
      case TemplateSource::kFile:
        form_ = make_jinja_form(options_.template_text, bos, eos);
        break;
      case TemplateSource::kPlain:
        form_ = make_plain_form(eos);
        break;
      case TemplateSource::kRaw:
        form_ = make_raw_form();
        break;
    }
    if (form_) {
      tokenizer_.set_turn_tokens(form_->turn_text(), endorm::turn_opening(*form_));
    }
  }

  void check_form(const char* function) const {
    if (!form_) {
      throw InvalidInput("[" + std::string(function) + "] " + model_name() +
                         " has no chat template. Use --template plain (a question and answer form), "
                         "--template FILE (a jinja template), or --template raw (the text as it is).");
    }
  }

  void set_capabilities() {
    capabilities_.raw_logits = true;
    capabilities_.entropy = true;
    capabilities_.uniform_divergence = true;
    capabilities_.any_alpha = true;
    const std::size_t trained = info_.trained_context;
    capabilities_.context = options_.context ? *options_.context : trained;
    if (options_.context && trained > 0 && *options_.context > trained) {
      throw InvalidInput("[load model] a context of " + std::to_string(*options_.context) +
                         " tokens is longer than the " + std::to_string(trained) + " that " + model_name() +
                         " was trained for. Give a smaller --context.");
    }
  }

  std::string make_fingerprint() const {
    std::string text = sha256_.empty() ? unhashed_file_identity(options_.model_path) : sha256_;
    for (const LoraAdapter& adapter : options_.adapters) {
      text += "|lora " + hex(sha256_file(adapter.path)) + " " + std::to_string(adapter.scale);
    }
    text += projector_sha256_.empty() ? "" : "|mmproj " + projector_sha256_;
    text += std::string("|cache ") + cache_type_name(options_.cache_type);
    text +=
        "|attention " + (options_.flash_attention ? std::to_string(*options_.flash_attention) : std::string("auto"));
    text += "|products " + arithmetic();
    text += "|wave " + std::to_string(options_.wave_tokens) + "|batch " + std::to_string(options_.batch_tokens);
    return text;
  }

  void check_token(const char* function, Token token) const {
    if (token < 0 || static_cast<std::size_t>(token) >= info_.vocabulary) {
      throw InvalidInput("[" + std::string(function) + "] token " + std::to_string(token) +
                         " is not in the vocabulary of " + std::to_string(info_.vocabulary) + " tokens");
    }
  }

  void check_sequence(const char* function, const Tokens& tokens, std::size_t length) const {
    for (const Token token : tokens) {
      check_token(function, token);
    }
    check_length(function, length);
  }

  void check_length(const char* function, std::size_t tokens) const {
    if (capabilities_.context > 0 && tokens > capabilities_.context) {
      throw InvalidInput("[" + std::string(function) + "] a sequence of " + std::to_string(tokens) +
                         " tokens is longer than the context of " + std::to_string(capabilities_.context) + " tokens");
    }
  }

  LlamaEngineOptions options_;
  LlamaModelHandle model_;
  std::unique_ptr<Accelerator> accelerator_;  // nullptr: llama.cpp's own kernels
  Tokenizer tokenizer_;
  LlamaModelInfo info_;
  std::unique_ptr<PromptForm> form_;  // none where the model has no template and none was given
  Capabilities capabilities_;
  std::string sha256_;  // of the model file; empty where it was not hashed
  std::string projector_sha256_;
  std::unique_ptr<LlamaMedia> media_;  // nullptr: it reads text alone
  std::string fingerprint_;
  std::unique_ptr<LlamaPasses> passes_;
  std::unique_ptr<LlamaHiddenStates> hidden_states_;
  std::unique_ptr<LlamaGeneration> generation_;
};

}  // namespace

std::unique_ptr<LlamaEngine> make_llama_engine(const LlamaEngineOptions& options) {
  return std::make_unique<LlamaEngineImplementation>(options);
}

}  // namespace endorm
