#include <utility>

#include "core/errors.h"
#include "engine/content_hash.h"
#include "engine/hidden_states.h"
#include "judge/judges.h"
#include "judge/reward_head.h"
#include "score/request_tokens.h"
#include "score/together_or_each.h"

namespace endorm {
namespace {

class HeadScorer final : public Scorer {
 public:
  HeadScorer(Engine& engine, RewardHead head, const ScoreOptions& options)
      : engine_(engine), head_(std::move(head)), text_(options.text), overflow_(options.overflow) {
    text_.end_of_turn = true;
    text_.template_newline = true;
    head_.reward(engine_.hidden_states()->read(std::vector<Tokens>{{0}}).at(0));  // refuses a head of another width
  }

  std::vector<Scored> score(std::span<const Request> requests) override {
    std::vector<Scored> scored;
    scored.reserve(requests.size());
    std::vector<Tokens> sequences;
    std::vector<ScoredOutcome*> outcomes;  // of the sequences
    for (const Request& request : requests) {
      Scored& record = scored.emplace_back(record_of(request));
      PreparedRequest prepared =
          prepare_request(engine_, request, text_, overflow_, ScoredTurns::kLast, record.responses);
      for (auto& [i, turns, truncated_left] : prepared.responses) {
        TokenizedResponse& tokens = turns.back();
        Tokens& sequence = sequences.emplace_back(std::move(tokens.prompt));
        sequence.insert(sequence.end(), tokens.response.begin(), tokens.response.end());
        ScoredResponse& response = record.responses[i].scored.emplace();
        response.finish = tokens.finish;
        response.truncated_left = truncated_left;
        outcomes.push_back(&record.responses[i]);
      }
    }
    fill(sequences, outcomes);
    return scored;
  }

 private:
  void fill(std::span<const Tokens> sequences, std::span<ScoredOutcome* const> outcomes) {
    const auto fill_some = [&](std::size_t begin, std::size_t count) {
      const std::vector<std::vector<float>> hidden = engine_.hidden_states()->read(sequences.subspan(begin, count));
      for (std::size_t i = 0; i < count; ++i) {
        outcomes[begin + i]->scored.value().reward = head_.reward(hidden[i]);
      }
    };
    together_or_each(sequences.size(), fill_some, [&](std::size_t i, const std::string& reason) {
      *outcomes[i] = {std::nullopt, reason, false};
    });
  }

  Engine& engine_;
  RewardHead head_;
  TemplateOptions text_;
  Overflow overflow_;
};

}  // namespace

Judge make_head(const JudgeParts& parts) {
  if (parts.head_file.empty()) {
    throw InvalidInput("[make_judge] head needs the file of a trained head; give it with --head FILE");
  }
  require_capability(parts.engine.hidden_states() != nullptr, "head", parts.engine);
  RewardHead head = read_reward_head(parts.head_file);
  Judge judge;
  judge.fingerprint = "head=" + hex(sha256_file(parts.head_file)) +
                      " overflow=" + std::to_string(static_cast<int>(parts.score.overflow)) +
                      template_fingerprint(parts.score.text);
  judge.scorer = std::make_unique<HeadScorer>(parts.engine, std::move(head), parts.score);
  return judge;
}

}  // namespace endorm
