#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/remote/server_pool.h"
#include "judge/chat_server_options.h"
#include "judge/respondent.h"
#include "score/stats_cache.h"

namespace endorm {

// A model behind /v1/chat/completions, several questions at once. Replies are kept in the cache: what was asked before,
// of the same server and model, in the same words, at the same temperature, with the same seed, is not asked again.
//
// A question that the server refuses, answers with no chat completion, or does not answer after all tries is an error
// of its own. ask throws EngineError where the server cannot be used at all (it is not there, refuses the key, knows
// neither the path nor the model, or the account has no credit), and where kGivenUp questions in a row got no reply.
class ChatServer final : public Respondent {
 public:
  static constexpr std::size_t kGivenUp = 20;

  // The cache must outlive it. judge: whose it is, for messages. Throws InvalidInput on options without an address or a
  // model, and on an address of another form.
  ChatServer(std::string_view judge, const ChatServerOptions& options, std::size_t reply_tokens, StatsCache& cache);

  std::vector<Reply> ask(std::span<const Question> questions, double temperature) override;
  double temperature() const override { return options_.temperature; }
  std::size_t reply_tokens() const override { return reply_tokens_; }
  std::string fingerprint() const override;
  std::optional<AskingAccount> account() const override;

 private:
  std::string body_of(const Question& question, double temperature, bool names_completion_tokens) const;
  Digest key_of(const Question& question, double temperature) const;
  bool take_kept(const Digest& key, Reply& reply);
  void require_server();
  void answer(const Question& question, double temperature, const Digest& key, Reply& reply);
  std::string post(const Question& question, double temperature);
  void failed(const std::string& reason, bool by_the_question, Reply& reply);
  [[noreturn]] void refuse(const ServerRefused& refused) const;

  std::string judge_;
  ChatServerOptions options_;
  std::size_t reply_tokens_;
  std::string path_;
  ServerPool servers_;
  bool is_there_ = false;
  std::atomic<bool> names_completion_tokens_ = false;

  mutable std::mutex mutex_;  // of what follows
  StatsCache& cache_;
  AskingAccount account_;
  std::size_t failed_in_a_row_ = 0;
  bool has_answered_ = false;
};

// The server of parts.chat_server. A reply has at most parts.max_reply_tokens, or else 1024: whoever obeys writes a
// few, and the others are not cut before their verdict.
std::unique_ptr<Respondent> chat_server(const JudgeParts& parts, std::string_view judge);

}  // namespace endorm
