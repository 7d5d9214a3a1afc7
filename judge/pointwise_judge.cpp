#include <algorithm>
#include <utility>

#include "judge/ask_model.h"
#include "judge/chat_server.h"
#include "judge/judges.h"
#include "judge/prompt_files.h"
#include "judge/reply_parsers.h"

namespace endorm {
namespace {

constexpr std::size_t kReplyTokens = 4;
constexpr std::size_t kTries = 3;
constexpr double kRetryTemperature = 0.5;
constexpr double kUnparsed = 5.0;  // the reward where no reply has an integer

class PointwiseJudge final : public Scorer {
 public:
  PointwiseJudge(std::uint64_t seed, std::unique_ptr<Respondent> respondent)
      : seed_(seed), prompt_(pointwise_prompt), respondent_(std::move(respondent)) {}

  std::vector<Scored> score(std::span<const Request> requests) override {
    std::vector<Scored> result;
    std::vector<Place> places;
    for (const Request& request : requests) {
      Scored& record = result.emplace_back(record_of(request));
      for (std::size_t i = 0; i < request.responses.size(); ++i) {
        record.responses[i].scored = unread_response(request.responses[i], kUnparsed);
        record.responses[i].scored->unparsed = 1;
        places.push_back({result.size() - 1, i});
      }
    }
    for (std::size_t attempt = 0; attempt < kTries && !places.empty(); ++attempt) {
      places = ask(requests, places, attempt, result);
    }
    return result;
  }

 private:
  struct Place {
    std::size_t record;
    std::size_t response;
  };

  // Asks about these responses; those whose reply has no integer are returned.
  std::vector<Place> ask(std::span<const Request> requests, std::span<const Place> places, std::size_t attempt,
                         std::vector<Scored>& result) {
    const std::string purpose = "pointwise judge 1 try " + std::to_string(attempt);
    std::vector<Question> questions;
    for (const Place& place : places) {
      const Request& request = requests[place.record];
      const std::string& response = request.responses[place.response].text.text;
      questions.push_back({prompt_.fill({{"query", query_text(request.messages)}, {"response", response}}),
                           drawn_seed(purpose, seed_, request.key, place.response)});
    }
    const double first = respondent_->temperature();
    const std::vector<Reply> replies =
        respondent_->ask(questions, attempt == 0 ? first : std::max(first, kRetryTemperature));
    std::vector<Place> again;
    for (std::size_t i = 0; i < places.size(); ++i) {
      ScoredOutcome& outcome = result[places[i].record].responses[places[i].response];
      if (!replies[i].error.empty()) {
        outcome = {std::nullopt, replies[i].error, replies[i].skipped};
        continue;
      }
      outcome.scored->replies.push_back(replies[i].text);
      if (const std::optional<int> rating = parse_rating(replies[i].text)) {
        outcome.scored->reward = *rating;
        outcome.scored->unparsed = 0;
      } else {
        again.push_back(places[i]);
      }
    }
    return again;
  }

  std::uint64_t seed_;
  JudgePrompt prompt_;
  std::unique_ptr<Respondent> respondent_;
};

Judge make(const JudgeParts& parts, std::unique_ptr<Respondent> respondent) {
  Judge judge;
  judge.fingerprint = asking_fingerprint(pointwise_prompt, *respondent,
                                         " tries=" + std::to_string(kTries) + " seed=" + std::to_string(parts.seed));
  judge.account = account_of(*respondent);
  judge.scorer = std::make_unique<PointwiseJudge>(parts.seed, std::move(respondent));
  return judge;
}

}  // namespace

Judge make_pointwise(const JudgeParts& parts) {
  return make(parts, engine_respondent(parts, "pointwise", kReplyTokens));
}

Judge make_openai(const JudgeParts& parts) { return make(parts, chat_server(parts, "openai")); }

}  // namespace endorm
