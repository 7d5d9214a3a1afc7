#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace endorm {

// An engine that is made when it is first needed: for judges that compute nothing with a model, which may meet a record
// of tokens alone and must spell them. Until then it says of itself that there is none, and afterwards, too: what it
// says is part of manifests.
class LateEngine final : public Engine {
 public:
  explicit LateEngine(std::function<std::unique_ptr<Engine>()> make);

  const Capabilities& capabilities() const override { return none_; }
  ModelInfo model() const override;
  std::vector<TokenizedResponse> tokenize(std::span<const Message> messages, std::span<const ResponseText> responses,
                                          const TemplateOptions& options) const override;
  std::string token_bytes(Token token) const override;
  std::vector<std::vector<TokenStats>> evaluate(const TokenTree& tree, const EvaluateOptions& options) override;
  std::size_t tokens_computed() const override;

 private:
  Engine& made() const;

  Capabilities none_;
  std::function<std::unique_ptr<Engine>()> make_;
  mutable std::mutex making_;
  mutable std::unique_ptr<Engine> engine_;
};

}  // namespace endorm
