#include "app/server/queued_request.h"

#include <algorithm>
#include <string>
#include <utility>

#include "app/server/client_words.h"
#include "app/server/part_keys.h"
#include "core/errors.h"
#include "score/request_tokens.h"

namespace endorm {
namespace {

std::size_t bytes_of(const RequestResponse& response) {
  return response.text.text.size() + response.text.fields.size() +
         (response.ids ? response.ids->size() * sizeof(Token) : 0);
}

std::size_t prompt_bytes(const Request& request) {
  std::size_t bytes = request.template_arguments.size();
  for (const Message& message : request.messages) {
    bytes += message.content.size() + message.fields.size();
  }
  return bytes;
}

std::size_t media_bytes(const Request& request) {
  std::size_t bytes = 0;
  for (const Message& message : request.messages) {
    for (const PlacedMedium& placed : message.media) {
      bytes += placed.source.size() + (placed.medium ? placed.medium->bytes.size() : 0);
    }
  }
  return bytes;
}

std::size_t shared_tokens(std::span<const Token> left, std::span<const Token> right) {
  const auto most = static_cast<std::ptrdiff_t>(std::min(left.size(), right.size()));
  return static_cast<std::size_t>(std::mismatch(left.begin(), left.begin() + most, right.begin()).first - left.begin());
}

// Tokens behind the prompt of the first turn: later turns hold what precedes them, as a rule.
std::size_t tokens_behind(const PreparedResponse& prepared) {
  const TokenizedResponse* before = &prepared.turns.front();
  std::size_t tokens = before->response.size();
  for (const TokenizedResponse& turn : std::span(prepared.turns).subspan(1)) {
    const std::span<const Token> prompt = turn.prompt;
    std::size_t shared = shared_tokens(prompt, before->prompt);
    if (shared == before->prompt.size()) {
      shared += shared_tokens(prompt.subspan(shared), before->response);
    }
    tokens += turn.prompt.size() + turn.response.size() - shared;
    before = &turn;
  }
  return tokens;
}

// Refuses texts that no number of tokens that the context holds can spell.
void refuse_what_cannot_fit(Request& request, std::size_t most_bytes, Overflow overflow) {
  const bool prompt = overflow != Overflow::kTruncateLeft && prompt_bytes(request) > most_bytes;
  for (RequestResponse& response : request.responses) {
    if (response.refused.empty() && (prompt || response.text.text.size() > most_bytes)) {
      response.refused = "[score] the " + std::string(prompt ? "prompt" : "response") + " has " +
                         std::to_string(prompt ? prompt_bytes(request) : response.text.text.size()) +
                         " bytes, more than the model's context can hold. Shorten it.";
    }
  }
}

// Errors as a client is told them.
void tell_client(Scored& scored) {
  for (ScoredOutcome& outcome : scored.responses) {
    outcome.error = client_words(outcome.error);
  }
}

}  // namespace

QueueFull no_room(const ByteBudget& budget) {
  return QueueFull("requests hold " + std::to_string(budget.held()) + " bytes already, the server keeps " +
                   std::to_string(budget.most()) + ". Send the request again later.");
}

DeadlinePassed late() { return DeadlinePassed("the request was not answered in time. Send less at once."); }

ReadyResponse QueuedRequest::ready(std::size_t part) const {
  const Place& place = places[part];
  ReadyResponse response{&requests[place.request].responses[place.tokens.response], place.tokens};
  response.tokens.turns.front().prompt = *place.prompt;
  return response;
}

void QueuedRequest::fail(std::size_t begin, std::size_t end, const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const InternalError&) {
    failure = thrown;
  } catch (const Error& error) {
    for (std::size_t part = begin; part < end; ++part) {
      scored[places[part].request].responses[places[part].tokens.response].error = error.what();
    }
    engine_failure = engine_failure ? engine_failure : thrown;
  } catch (...) {
    failure = thrown;
  }
}

void QueuedRequest::tell_records(std::size_t parts_done) {
  const bool all = parts_done == parts.size();
  const std::size_t ended = all ? scored.size() : places[parts_done].request;
  try {
    for (; each && told < ended; ++told) {
      tell_client(scored[told]);
      each(told, std::move(scored[told]));
    }
  } catch (...) {
    failure = std::current_exception();
  }
}

void QueuedRequest::settle() {
  if (std::exchange(settled, true)) {
    return;
  }
  if (failure) {
    promise.set_exception(failure);
  } else if (engine_failure && !answered && !each) {  // the engine is gone
    promise.set_exception(engine_failure);
  } else {
    std::for_each(scored.begin(), scored.end(), tell_client);
    promise.set_value(each ? std::vector<Scored>{} : std::move(scored));
  }
  if (done) {
    done();
  }
}

std::size_t bytes_of(std::span<const Request> requests) {
  std::size_t bytes = 0;
  for (const Request& request : requests) {
    bytes += prompt_bytes(request) + media_bytes(request) +
             (request.prompt_ids ? request.prompt_ids->size() * sizeof(Token) : 0);
    for (const RequestResponse& response : request.responses) {
      bytes += bytes_of(response);
    }
  }
  return bytes;
}

void load_or_refuse(Request& request, const MediaRules& rules) {
  try {
    load_media(request.messages, rules);
  } catch (const InvalidInput& error) {
    for (RequestResponse& response : request.responses) {
      response.refused = response.refused.empty() ? error.what() : response.refused;
    }
  }
}

std::size_t responses_of(std::span<const Request> requests) {
  std::size_t responses = 0;
  for (const Request& request : requests) {
    responses += request.responses.size();
  }
  return responses;
}

std::shared_ptr<QueuedRequest> queued_responses(const Engine& engine, std::vector<Request> requests,
                                                const ScoreOptions& options, std::size_t longest_token) {
  auto queued = std::make_shared<QueuedRequest>();
  const std::size_t context = engine.capabilities().context;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    Request& request = requests[i];
    if (context > 0 && longest_token > 0) {
      refuse_what_cannot_fit(request, context * longest_token, options.overflow);
    }
    Scored& scored = queued->scored.emplace_back(unscored(request));
    PreparedRequest prepared =
        prepare_request(engine, request, options.text, options.overflow, options.turns, scored.responses);
    std::shared_ptr<const Tokens> prompt;
    std::uint64_t key = 0;
    for (PreparedResponse& response : prepared.responses) {
      Tokens& own = response.turns.front().prompt;
      if (!prompt || *prompt != own) {
        prompt = std::make_shared<const Tokens>(own);
        key = prompt_key(own);
      }
      queued->parts.push_back({key, prompt->size(), tokens_behind(response), 0, 1});
      own = {};
      queued->places.push_back({i, prompt, std::move(response)});
    }
  }
  queued->requests = std::move(requests);
  queued->options = options;
  return queued;
}

}  // namespace endorm
