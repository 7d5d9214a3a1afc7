#include <cstdlib>
#include <utility>

#include "judge/ask_model.h"
#include "judge/chat_server.h"
#include "judge/judges.h"
#include "judge/prompt_files.h"
#include "judge/reply_parsers.h"

namespace endorm {
namespace {

// What tells the pairwise judges apart.
struct PairForm {
  const char* name;
  std::string_view prompt;
  std::optional<PairVerdict> (*parse)(std::string_view reply);
  std::size_t reply_tokens;
  bool both_orders;
  int needed;  // a response wins where the verdicts for it, summed over the orders, reach this
};

// A pair of a request's responses, shown as A and B.
struct Showing {
  std::size_t record;
  std::size_t a;
  std::size_t b;
};

class PairwiseJudge final : public Scorer {
 public:
  PairwiseJudge(std::uint64_t seed, const PairForm& form, std::unique_ptr<Respondent> respondent)
      : seed_(seed), form_(form), prompt_(form.prompt), respondent_(std::move(respondent)) {}

  std::vector<Scored> score(std::span<const Request> requests) override {
    std::vector<Scored> result;
    std::vector<Showing> showings;  // the orders of a pair stand side by side
    std::vector<Question> questions;
    for (const Request& request : requests) {
      result.push_back(undecided(request));
      for (std::size_t i = 0; i < request.responses.size(); ++i) {
        for (std::size_t j = i + 1; j < request.responses.size(); ++j) {
          for (const Showing& showing : showings_of(request, result.size() - 1, i, j)) {
            showings.push_back(showing);
            questions.push_back({question_about(request, showing), seed_of(request, showing)});
          }
        }
      }
    }
    const std::vector<Reply> replies = respondent_->ask(questions, respondent_->temperature());
    const std::size_t orders = form_.both_orders ? 2 : 1;
    for (std::size_t i = 0; i < showings.size(); i += orders) {
      decide(std::span(showings).subspan(i, orders), std::span(replies).subspan(i, orders),
             result[showings[i].record].responses);
    }
    for (Scored& record : result) {
      for (ScoredOutcome& outcome : record.responses) {
        if (outcome.scored) {  // wins so far: whole numbers and halves, so that equal shares are equal numbers
          outcome.scored->reward /= static_cast<double>(record.responses.size() - 1);
        }
      }
    }
    return result;
  }

 private:
  static Scored undecided(const Request& request) {
    Scored record = record_of(request);
    for (std::size_t i = 0; i < request.responses.size(); ++i) {
      if (request.responses.size() < 2) {
        record.responses[i].error = "[pairwise] the request has one response: there is nothing to compare it with";
      } else {
        record.responses[i].scored = unread_response(request.responses[i], 0.0);
      }
    }
    return record;
  }

  std::vector<Showing> showings_of(const Request& request, std::size_t record, std::size_t i, std::size_t j) const {
    if (form_.both_orders) {
      return {{record, i, j}, {record, j, i}};
    }
    const std::uint64_t drawn =
        drawn_seed("pairwise judge 1 order", seed_, request.key, i * request.responses.size() + j);
    return {drawn % 2 == 0 ? Showing{record, i, j} : Showing{record, j, i}};
  }

  std::uint64_t seed_of(const Request& request, const Showing& showing) const {
    return drawn_seed("pairwise judge 1 reply", seed_, request.key, showing.a * request.responses.size() + showing.b);
  }

  std::vector<Message> question_about(const Request& request, const Showing& showing) const {
    return prompt_.fill({{"query", query_text(request.messages)},
                         {"answer_a", request.responses[showing.a].text.text},
                         {"answer_b", request.responses[showing.b].text.text}});
  }

  // One pair: its showings [1 or 2] and their replies, into the outcomes of both responses.
  void decide(std::span<const Showing> showings, std::span<const Reply> replies,
              std::vector<ScoredOutcome>& outcomes) const {
    ScoredOutcome& first = outcomes[showings[0].a];
    ScoredOutcome& second = outcomes[showings[0].b];
    for (const Reply& reply : replies) {
      if (!reply.error.empty()) {
        first = second = {std::nullopt, reply.error, reply.skipped};
        return;
      }
    }
    int sum = 0;      // of the verdicts for the first
    int product = 1;  // below 0: the orders contradict each other
    std::size_t unparsed = 0;
    for (std::size_t i = 0; i < showings.size(); ++i) {
      const std::optional<PairVerdict> for_a = form_.parse(replies[i].text);
      const int for_first = (i == 0 ? 1 : -1) * static_cast<int>(for_a.value_or(PairVerdict::kEqual));
      sum += for_first;
      product *= for_first;
      unparsed += for_a ? 0 : 1;
    }
    const double wins = std::abs(sum) < form_.needed ? 0.5 : (sum > 0 ? 1.0 : 0.0);
    const std::size_t inconsistent = showings.size() == 2 && product < 0 ? 1 : 0;
    for (ScoredOutcome* outcome : {&first, &second}) {
      if (outcome->scored) {
        outcome->scored->reward += outcome == &first ? wins : 1.0 - wins;
        outcome->scored->unparsed += unparsed;
        outcome->scored->inconsistent += inconsistent;
        for (std::size_t i = 0; i < replies.size(); ++i) {
          outcome->scored->replies.push_back(replies[outcome == &first ? i : replies.size() - 1 - i].text);
        }
      }
    }
  }

  std::uint64_t seed_;
  PairForm form_;
  JudgePrompt prompt_;
  std::unique_ptr<Respondent> respondent_;
};

PairForm pairwise_form(const char* name) {
  return {.name = name,
          .prompt = pairwise_prompt,
          .parse = parse_letter,
          .reply_tokens = 8,
          .both_orders = true,
          .needed = 2};
}

PairForm once_form(const char* name) {
  PairForm form = pairwise_form(name);
  form.both_orders = false;
  form.needed = 1;
  return form;
}

PairForm five_form(const char* name) {
  return {.name = name,
          .prompt = pairwise_five_prompt,
          .parse = parse_five,
          .reply_tokens = 16,
          .both_orders = true,
          .needed = 1};
}

Judge make(const JudgeParts& parts, const PairForm& form, std::unique_ptr<Respondent> respondent) {
  std::string rules = form.both_orders ? " both orders" : " one order";
  if (!form.both_orders || respondent->temperature() > 0.0) {
    rules += ", seed=" + std::to_string(parts.seed);
  }
  Judge judge;
  judge.compares_pairs = true;
  judge.fingerprint = asking_fingerprint(form.prompt, *respondent, rules);
  judge.account = account_of(*respondent);
  judge.scorer = std::make_unique<PairwiseJudge>(parts.seed, form, std::move(respondent));
  return judge;
}

Judge make_here(const JudgeParts& parts, const PairForm& form) {
  return make(parts, form, engine_respondent(parts, form.name, form.reply_tokens));
}

Judge make_elsewhere(const JudgeParts& parts, const PairForm& form) {
  return make(parts, form, chat_server(parts, form.name));
}

}  // namespace

Judge make_pairwise(const JudgeParts& parts) { return make_here(parts, pairwise_form("pairwise")); }
Judge make_pairwise_once(const JudgeParts& parts) { return make_here(parts, once_form("pairwise-once")); }
Judge make_pairwise_five(const JudgeParts& parts) { return make_here(parts, five_form("pairwise-five")); }

Judge make_openai_pairwise(const JudgeParts& parts) { return make_elsewhere(parts, pairwise_form("openai-pairwise")); }
Judge make_openai_pairwise_once(const JudgeParts& parts) {
  return make_elsewhere(parts, once_form("openai-pairwise-once"));
}
Judge make_openai_pairwise_five(const JudgeParts& parts) {
  return make_elsewhere(parts, five_form("openai-pairwise-five"));
}

}  // namespace endorm
