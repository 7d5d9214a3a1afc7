#include "app/late_engine.h"

#include <utility>

namespace endorm {

LateEngine::LateEngine(std::function<std::unique_ptr<Engine>()> make) : make_(std::move(make)) {
  none_.missing_reason = "The judges that were asked for need no model, and none was loaded.";
}

ModelInfo LateEngine::model() const {
  ModelInfo model;
  model.name = "none";
  return model;
}

std::vector<TokenizedResponse> LateEngine::tokenize(std::span<const Message> messages,
                                                    std::span<const ResponseText> responses,
                                                    const TemplateOptions& options) const {
  return made().tokenize(messages, responses, options);
}

std::string LateEngine::token_bytes(Token token) const { return made().token_bytes(token); }

std::vector<std::vector<TokenStats>> LateEngine::evaluate(const TokenTree& tree, const EvaluateOptions& options) {
  return made().evaluate(tree, options);
}

std::size_t LateEngine::tokens_computed() const {
  const std::lock_guard lock(making_);
  return engine_ ? engine_->tokens_computed() : 0;
}

Engine& LateEngine::made() const {
  const std::lock_guard lock(making_);
  if (!engine_) {
    engine_ = make_();
  }
  return *engine_;
}

}  // namespace endorm
