#include <algorithm>
#include <functional>
#include <utility>

#include "core/errors.h"
#include "engine/content_hash.h"
#include "engine/image_header.h"
#include "judge/judges.h"
#include "judge/reward_difference.h"
#include "score/json_check.h"

namespace endorm {
namespace {

// What a response's reward is compared with.
struct Condition {
  std::string name;  // for messages
  std::vector<Message> messages;
};

// The conditions of a request, at least one. Throws InvalidInput where it has none.
using Conditions = std::function<std::vector<Condition>(const Request& request)>;

bool is_system(const Message& message) { return message.role == "system"; }

// One number of a response from what it is under its own conditions and under others [n >= 1]. May throw InvalidInput.
using Comparing = ScoredResponse (*)(const ScoredResponse& own, std::span<const ScoredResponse* const> others,
                                     Aggregation kind);

// What `comparing` makes of both, or why there is nothing to compare.
ScoredOutcome compare(const ScoredOutcome& own, std::span<const ScoredOutcome* const> others,
                      std::span<const std::string> names, Comparing comparing, Aggregation kind) {
  if (!own.scored) {
    return own;
  }
  std::vector<const ScoredResponse*> scored;
  for (std::size_t i = 0; i < others.size(); ++i) {
    if (!others[i]->scored) {
      return {std::nullopt, names[i] + ": " + others[i]->error, others[i]->skipped};
    }
    scored.push_back(&*others[i]->scored);
  }
  try {
    return {comparing(*own.scored, scored, kind), "", false};
  } catch (const InvalidInput& error) {
    return {std::nullopt, error.what(), false};
  }
}

// The same model under other messages.
class RelativeScorer final : public Scorer {
 public:
  RelativeScorer(const JudgeParts& parts, Conditions conditions, Comparing comparing = minus_mean_of)
      : kind_(parts.score.aggregate.kind),
        comparing_(comparing),
        conditions_(std::move(conditions)),
        scorer_(parts.engine, parts.cache, parts.score) {}

  std::vector<Scored> score(std::span<const Request> requests) override {
    // Each request is followed by the same one under its conditions, and all are scored in one call.
    std::vector<Request> asked;
    std::vector<Scored> result;
    std::vector<std::vector<std::string>> names(requests.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const Request& request = requests[i];
      Scored& record = result.emplace_back(record_of(request));
      try {
        const std::vector<Condition> conditions = conditions_(request);
        asked.push_back(request);
        for (const Condition& condition : conditions) {
          names[i].push_back(condition.name);
          asked.push_back(request);
          asked.back().messages = condition.messages;
          asked.back().prompt_ids.reset();
        }
      } catch (const InvalidInput& error) {
        for (ScoredOutcome& outcome : record.responses) {
          outcome.error = error.what();
        }
      }
    }
    const std::vector<Scored> scored = scorer_.score(asked);
    std::size_t next = 0;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      if (!names[i].empty()) {
        compare_record(std::span(scored).subspan(next, 1 + names[i].size()), names[i], result[i]);
        next += 1 + names[i].size();
      }
    }
    return result;
  }

 private:
  // scored: the request itself, then under each of the conditions that `names` names.
  void compare_record(std::span<const Scored> scored, std::span<const std::string> names, Scored& record) const {
    for (std::size_t response = 0; response < record.responses.size(); ++response) {
      std::vector<const ScoredOutcome*> others;
      for (const Scored& other : scored.subspan(1)) {
        others.push_back(&other.responses[response]);
      }
      record.responses[response] = compare(scored[0].responses[response], others, names, comparing_, kind_);
    }
  }

  Aggregation kind_;
  Comparing comparing_;
  Conditions conditions_;
  EndogenousScorer scorer_;
};

// Another model under the same messages.
class LogRatioScorer final : public Scorer {
 public:
  LogRatioScorer(const JudgeParts& parts, Engine& reference)
      : kind_(parts.score.aggregate.kind),
        scorer_(parts.engine, parts.cache, parts.score),
        reference_(reference, parts.cache, parts.score) {}

  std::vector<Scored> score(std::span<const Request> requests) override {
    std::vector<Scored> scored = scorer_.score(requests);
    const std::vector<Scored> others = reference_.score(requests);
    const std::vector<std::string> names = {"under the reference model"};
    for (std::size_t i = 0; i < scored.size(); ++i) {
      for (std::size_t response = 0; response < scored[i].responses.size(); ++response) {
        const ScoredOutcome* other = &others[i].responses[response];
        scored[i].responses[response] =
            compare(scored[i].responses[response], std::span(&other, 1), names, minus_mean_of, kind_);
      }
    }
    return scored;
  }

 private:
  Aggregation kind_;
  EndogenousScorer scorer_;
  EndogenousScorer reference_;
};

std::vector<Condition> under_alternatives(const Request& request, const std::vector<std::string>& shared) {
  const auto own = std::find_if(request.messages.begin(), request.messages.end(), is_system);
  if (own == request.messages.end()) {
    throw InvalidInput(
        "[contrast] the request has no system message: there is no instruction to contrast. Give it one, or use "
        "another judge.");
  }
  std::vector<Condition> conditions;
  std::vector<std::string> taken = {own->content};
  for (const std::string& alternative : request.alternatives.empty() ? shared : request.alternatives) {
    if (std::find(taken.begin(), taken.end(), alternative) != taken.end()) {
      continue;
    }
    taken.push_back(alternative);
    std::vector<Message> messages = request.messages;
    messages[static_cast<std::size_t>(own - request.messages.begin())].content = alternative;
    conditions.push_back({"under the alternative \"" + excerpt(alternative) + "\"", std::move(messages)});
  }
  if (conditions.empty()) {
    throw InvalidInput(
        "[contrast] no alternative system message other than the request's own is there. Give some with --contrast "
        "FILE.");
  }
  return conditions;
}

// One condition: an empty user turn behind the request's own system message. judge: whose it is.
Conditions without_prompt(std::string judge) {
  return [judge = std::move(judge)](const Request& request) -> std::vector<Condition> {
    if (request.messages.empty()) {
      throw InvalidInput("[" + judge + "] the prompt is given as token ids: there are no messages to leave out.");
    }
    std::vector<Message> messages;
    std::copy_if(request.messages.begin(), request.messages.end(), std::back_inserter(messages), is_system);
    messages.push_back({"user", ""});
    return {{"with the prompt removed", std::move(messages)}};
  };
}

// The loss under the prompt over the loss without: both means of -log pi over the response's tokens.
ScoredResponse loss_ratio(const ScoredResponse& own, std::span<const ScoredResponse* const> others, Aggregation) {
  const double with = own.aggregates.value().mean;
  const double without = others.front()->aggregates.value().mean;
  if (without == 0.0) {
    throw InvalidInput("[ifd] the model is certain of the response without its prompt: the loss to divide by is 0.");
  }
  ScoredResponse result;
  result.reward = with / without;
  result.finish = own.finish;
  result.truncated_left = own.truncated_left;
  return result;
}

// One condition: blank images of the same sizes.
std::vector<Condition> with_blank_images(const Request& request) {
  std::vector<Message> messages = request.messages;
  bool any = false;
  for (Message& message : messages) {
    for (PlacedMedium& placed : message.media) {
      if (placed.medium && placed.medium->kind == MediumKind::kImage) {
        placed.medium = blank_image_like(*placed.medium);
        any = true;
      }
    }
  }
  if (!any) {
    throw InvalidInput("[image-gain] the prompt has no image.");
  }
  return {{"with blank images", std::move(messages)}};
}

// The same model, which is shown no media.
class BlindScorer final : public Scorer {
 public:
  explicit BlindScorer(const JudgeParts& parts) : scorer_(parts.engine, parts.cache, parts.score) {}

  std::vector<Scored> score(std::span<const Request> requests) override {
    std::vector<Request> blind(requests.begin(), requests.end());
    for (Request& request : blind) {
      for (Message& message : request.messages) {
        message.media.clear();
      }
    }
    return scorer_.score(blind);
  }

 private:
  EndogenousScorer scorer_;
};

std::string contrast_fingerprint(const std::vector<std::string>& alternatives) {
  Sha256 hash;
  for (const std::string& alternative : alternatives) {
    hash.update(std::to_string(alternative.size()) + ":" + alternative);
  }
  return hex(hash.finish());
}

}  // namespace

Judge make_contrast(const JudgeParts& parts) {
  JudgeParts whole = parts;
  whole.score = with_whole_prompts(parts.score);
  Judge judge;
  judge.fingerprint = score_fingerprint(whole.score) + " contrast=" + contrast_fingerprint(parts.contrast);
  judge.scorer = std::make_unique<RelativeScorer>(
      whole, [shared = parts.contrast](const Request& request) { return under_alternatives(request, shared); });
  return judge;
}

Judge make_information_gain(const JudgeParts& parts) {
  Judge judge;
  judge.fingerprint = score_fingerprint(parts.score) + " against an empty user turn";
  judge.scorer = std::make_unique<RelativeScorer>(parts, without_prompt("information-gain"));
  return judge;
}

Judge make_ifd(const JudgeParts& parts) {
  JudgeParts means = parts;
  means.score.aggregate = {.kind = Aggregation::kMean};
  Judge judge;
  judge.fingerprint = score_fingerprint(means.score) + " loss over that behind an empty user turn";
  judge.scorer = std::make_unique<RelativeScorer>(means, without_prompt("ifd"), loss_ratio);
  return judge;
}

Judge make_image_gain(const JudgeParts& parts) {
  Judge judge;
  judge.fingerprint = score_fingerprint(parts.score) + " against blank images";
  judge.scorer = std::make_unique<RelativeScorer>(parts, with_blank_images);
  return judge;
}

Judge make_blind(const JudgeParts& parts) {
  Judge judge;
  judge.fingerprint = score_fingerprint(parts.score) + " without media";
  judge.scorer = std::make_unique<BlindScorer>(parts);
  return judge;
}

Judge make_log_ratio(const JudgeParts& parts) {
  if (parts.reference == nullptr) {
    throw InvalidInput("[make_judge] log-ratio needs a reference model; give one with --reference FILE");
  }
  const ModelInfo reference = parts.reference->model();
  Judge judge;
  judge.fingerprint = score_fingerprint(parts.score) + " reference=" + reference.fingerprint +
                      " template=" + reference.template_fingerprint;
  judge.scorer = std::make_unique<LogRatioScorer>(parts, *parts.reference);
  return judge;
}

}  // namespace endorm
