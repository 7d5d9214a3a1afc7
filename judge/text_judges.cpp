#include <functional>
#include <string_view>
#include <utility>

#include "core/random.h"
#include "core/utf8.h"
#include "judge/judges.h"

namespace endorm {
namespace {

// Gives each response a number that needs no model.
class TextJudge final : public Scorer {
 public:
  using Rule = std::function<double(const Request& request, std::size_t response)>;

  explicit TextJudge(Rule rule) : rule_(std::move(rule)) {}

  std::vector<Scored> score(std::span<const Request> requests) override {
    std::vector<Scored> scored;
    for (const Request& request : requests) {
      Scored& record = scored.emplace_back(record_of(request));
      for (std::size_t i = 0; i < request.responses.size(); ++i) {
        record.responses[i].scored = unread_response(request.responses[i], rule_(request, i));
      }
    }
    return scored;
  }

 private:
  Rule rule_;
};

Judge make_text_judge(TextJudge::Rule rule, std::string fingerprint) {
  Judge judge;
  judge.scorer = std::make_unique<TextJudge>(std::move(rule));
  judge.fingerprint = std::move(fingerprint);
  return judge;
}

double length_of(const Request& request, std::size_t response) {
  return static_cast<double>(code_points(request.responses[response].text.text));
}

}  // namespace

Judge make_length(const JudgeParts&) { return make_text_judge(length_of, ""); }

Judge make_minus_length(const JudgeParts&) {
  return make_text_judge([](const Request& request, std::size_t i) { return -length_of(request, i); }, "");
}

Judge make_random(const JudgeParts& parts) {
  const std::uint64_t seed = parts.seed;
  return make_text_judge(
      [seed](const Request& request, std::size_t i) {
        return RandomStream(drawn_seed("random judge 1", seed, request.key, i)).uniform();
      },
      "seed=" + std::to_string(seed));
}

}  // namespace endorm
