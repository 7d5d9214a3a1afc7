#include <utility>
#include <vector>

#include "core/utf8.h"
#include "judge/judges.h"
#include "score/token_texts.h"

namespace endorm {
namespace {

bool has_words(const Request& request) {
  for (const RequestResponse& response : request.responses) {
    if ((response.ids && response.text.text.empty()) || !response.text.fields.empty()) {
      return false;
    }
  }
  return !request.messages.empty();
}

Request in_words(const Engine& engine, const Request& request) {
  Request words = request;
  if (words.messages.empty() && words.prompt_ids) {
    words.messages.push_back({"user", valid_utf8(spelled(engine, *words.prompt_ids))});
  }
  for (RequestResponse& response : words.responses) {
    if (response.ids && response.text.text.empty() && response.refused.empty()) {
      response.text.text = valid_utf8(spelled(engine, *response.ids));
    }
    if (!response.text.fields.empty()) {
      response.text.text += (response.text.text.empty() ? "" : "\n") + std::exchange(response.text.fields, "");
    }
  }
  return words;
}

class SpelledOut final : public Scorer {
 public:
  SpelledOut(const Engine& engine, std::unique_ptr<Scorer> reader) : engine_(engine), reader_(std::move(reader)) {}

  std::vector<Scored> score(std::span<const Request> requests) override {
    std::vector<Request> words;
    for (const Request& request : requests) {
      words.push_back(has_words(request) ? request : in_words(engine_, request));
    }
    std::vector<Scored> scored = reader_->score(words);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      for (std::size_t k = 0; k < requests[i].responses.size(); ++k) {
        if (const std::string& refused = requests[i].responses[k].refused; !refused.empty()) {
          scored[i].responses[k] = {std::nullopt, refused, false};
        }
      }
    }
    return scored;
  }

 private:
  const Engine& engine_;
  std::unique_ptr<Scorer> reader_;
};

}  // namespace

std::unique_ptr<Scorer> spelled_out(const Engine& engine, std::unique_ptr<Scorer> reader) {
  return std::make_unique<SpelledOut>(engine, std::move(reader));
}

}  // namespace endorm
