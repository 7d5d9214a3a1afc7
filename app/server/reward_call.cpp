#include "app/server/reward_call.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "app/server/other_family.h"
#include "app/server/queued_request.h"
#include "score/json_check.h"
#include "score/json_field.h"

namespace endorm {
namespace {

constexpr std::size_t kLargeBody = 1U << 20U;
// Of what all requests may hold, the part that the values of one body may take beside its texts.
constexpr std::size_t kPartOfValues = 4;

}  // namespace

// What a stream has not sent yet.
struct RewardCall::Lines {
  std::shared_ptr<ServedModel> model;
  ProtocolContext context;
  std::function<std::string(std::size_t, const Scored&)> line;
  RewardQueue::Ticket ticket;
  std::size_t next = 0;  // record to be sent
  std::mutex mutex;
  std::deque<Scored> scored;  // guarded, as what follows
  bool ended = false;         // nothing more comes

  HttpPiece piece();
};

RewardCall::RewardCall(CallHouse& house, std::shared_ptr<HttpRequest> request, std::shared_ptr<HttpReply> reply,
                       std::string route)
    : house_(house),
      request_(std::move(request)),
      reply_(std::move(reply)),
      route_(std::move(route)),
      id_(house.book.id_of(*request_)),
      deadline_(std::chrono::steady_clock::now() + house.timeout) {
  house_.metrics.in_flight(1);
}

RewardCall::~RewardCall() {
  house_.metrics.in_flight(-1);
  if (request_->body_bytes > kLargeBody) {
    house_.had_large = true;
  }
}

void RewardCall::begin(ServedModels& models, const CallRoute& route) {
  reply_->when_left([call = shared_from_this()] {
    call->give_up({499, "client_left", "the client closed the connection."});
  });
  reply_->when_late(house_.timeout, [call = shared_from_this()] { call->give_up({504, "timeout", late().what()}); });
  const auto read = [call = shared_from_this(), &models, route] {
    if (!call->answered_) {
      call->read(models, route);
    }
  };
  if (request_->body_bytes > kLargeBody) {
    house_.large.add(read);
  } else {
    house_.work(read);
  }
}

void RewardCall::read(ServedModels& models, const CallRoute& route) {
  try {
    Json body = read_body();
    const std::shared_ptr<ServedModel> model = models.of(body);
    if (route.protocol) {
      reward(model, *route.protocol, std::move(body));
    } else if (route.completions) {
      complete(model, *route.completions, std::move(body));
    } else {
      answer(route.at_once(model->queue->engine(), body, context_of(*model)).dump());
    }
  } catch (...) {
    fail(std::current_exception());
  }
}

// The body, once there is room for its values; its bytes go.
Json RewardCall::read_body() {
  std::string& bytes = request_->body;
  const std::size_t most = house_.budget.most();
  const std::size_t values = check_json(bytes, std::min(most, most / kPartOfValues + bytes.size()));
  if (!request_->room.grow_to(values)) {
    throw no_room(house_.budget);
  }
  Json body = parse_checked_object(bytes);
  bytes = std::string();
  return body;
}

// Before what was made of it takes room of its own.
void RewardCall::forget_body(Json& body) {
  body = nullptr;
  request_->room = ByteRoom();
}

void RewardCall::reward(const std::shared_ptr<ServedModel>& model, const ProtocolRoute& route, Json body) {
  const ProtocolContext context = context_of(*model);
  Asked asked = route.read(body, context);
  Waiting how = waiting(body);
  forget_body(body);
  if (asked.requests.empty()) {
    answer(reply_text(asked, {}), asked.has_session ? context.id : "");
    return;
  }
  note_foreign_ends(asked.requests, context);
  if (asked.line) {
    stream(model, std::move(asked), context, std::move(how));
    return;
  }
  how.ready = [call = shared_from_this()] { call->arrive(); };
  std::vector<Request> requests = std::move(asked.requests);
  const auto shared = std::make_shared<Asked>(std::move(asked));
  wait_for(model->queue->score(std::move(requests), shared->options, std::move(how)),
           [context, asked = shared, model](const std::vector<Scored>& scored) {
             note_spelled_ends(scored, context);
             return reply_text(*asked, scored);
           });
}

void RewardCall::complete(const std::shared_ptr<ServedModel>& model, const CompletionsRoute& route, Json body) {
  const ProtocolContext context = context_of(*model);
  CompletionsRequest asked = route.read(body, context);
  Waiting how = waiting(body);
  forget_body(body);
  for (const CompletionPrompt& prompt : asked.prompts) {
    if (!foreign_opening(prompt.text, *context.marks).empty()) {
      context.note(TextNote::kOtherFamily);
    }
  }
  const auto completions = std::make_shared<CompletionsCall>(model->queue->engine(), std::move(asked), context);
  how.ready = [call = shared_from_this()] { call->arrive(); };
  RewardQueue::Ticket ticket =
      model->queue->use(completions->parts(), completions->bytes(), completions, std::move(how));
  wait_for(std::move(ticket), [completions, model](const std::vector<Scored>&) { return completions->reply().dump(); });
}

ProtocolContext RewardCall::context_of(const ServedModel& model) {
  ProtocolContext context = model.context;
  context.id = std::to_string(++house_.ids);
  context.created = std::time(nullptr);
  context.note = [call = weak_from_this(), &house = house_, name = model.name](TextNote note) {
    if (const auto alive = call.lock()) {
      const std::lock_guard lock(alive->mutex_);
      alive->notes_.insert(note);
    }
    house.metrics.noted(name, note);
    house.said.say_once(name, note);
  };
  context.unread = [&house = house_, name = model.name](const std::string& field) {
    house.said.say_unread_once(name, field);
  };
  return context;
}

Waiting RewardCall::waiting(const Json& body) {
  Waiting how;
  how.priority = read_priority(body, request_->field("X-Priority"));
  how.deadline = deadline_;
  return how;
}

// `result`, of the pool's thread, makes the answer's body once the ticket is ready.
void RewardCall::wait_for(RewardQueue::Ticket ticket, std::function<std::string(std::vector<Scored>)> result) {
  {
    const std::lock_guard lock(mutex_);
    *ticket.given_up = given_up_ || *ticket.given_up;
    ticket_ = std::move(ticket);
    result_ = std::move(result);
  }
  arrive();
}

void RewardCall::arrive() {
  if (++arrived_ < 2) {
    return;
  }
  house_.work([call = shared_from_this()] {
    std::function<std::string(std::vector<Scored>)> result;
    RewardQueue::Ticket ticket;
    {
      const std::lock_guard lock(call->mutex_);
      result = std::move(call->result_);
      ticket = std::move(call->ticket_);
    }
    if (call->answered_) {
      return;
    }
    try {
      call->answer(result(ticket.scored.get()));
    } catch (...) {
      call->fail(std::current_exception());
    }
  });
}

void RewardCall::answer(std::string body, const std::string& session) {
  if (claim()) {
    HttpAnswer whole;
    whole.body = std::move(body);
    if (!session.empty()) {
      whole.fields.emplace_back("Set-Cookie", "session=" + session + "; HttpOnly; SameSite=Strict");
    }
    reply_->send(house_.book.noted(*request_, id_, route_, std::move(whole), notes()));
  }
}

// The client has left, or its time is over.
void RewardCall::give_up(const HttpError& error) {
  {
    const std::lock_guard lock(mutex_);
    given_up_ = true;
    if (ticket_.given_up) {
      *ticket_.given_up = true;
    }
  }
  if (claim()) {
    house_.metrics.gave_up();
    reply_->send(house_.book.noted(*request_, id_, route_, error_answer(error), notes()));
  }
}

void RewardCall::fail(const std::exception_ptr& thrown) {
  HttpError error;
  try {
    std::rethrow_exception(thrown);
  } catch (const RequestRefused& refused) {
    error = refused.error;
  } catch (...) {
    error = http_error(std::current_exception());
  }
  if (claim()) {
    if (error.status == 504) {
      house_.metrics.gave_up();
    }
    reply_->send(house_.book.noted(*request_, id_, route_, error_answer(error), notes()));
  }
}

bool RewardCall::claim() { return !answered_.exchange(true); }

Notes RewardCall::notes() const {
  const std::lock_guard lock(mutex_);
  return notes_;
}

// One line a request, each sent when it is there. A record that fails is a line, too: the status was sent before.
void RewardCall::stream(const std::shared_ptr<ServedModel>& model, Asked asked, const ProtocolContext& context,
                        Waiting waiting) {
  auto lines = std::make_shared<Lines>();
  lines->model = model;
  lines->context = context;
  lines->line = std::move(asked.line);
  waiting.each = [lines, reply = reply_](std::size_t, Scored scored) {
    {
      const std::lock_guard lock(lines->mutex);
      lines->scored.push_back(std::move(scored));
    }
    reply->more();
  };
  waiting.ready = [lines, reply = reply_] {
    {
      const std::lock_guard lock(lines->mutex);
      lines->ended = true;
    }
    reply->more();
  };
  RewardQueue::Ticket ticket = model->queue->score(std::move(asked.requests), asked.options, std::move(waiting));
  const std::shared_ptr<std::atomic<bool>> given_up = ticket.given_up;
  lines->ticket = std::move(ticket);
  if (!claim()) {
    *given_up = true;
    return;
  }
  HttpAnswer head;
  head.type = "application/x-ndjson";
  reply_->when_left([given_up, &house = house_] {
    *given_up = true;
    house.metrics.gave_up();
  });
  reply_->stream(house_.book.noted(*request_, id_, route_, std::move(head), notes()),
                 [lines, call = shared_from_this()] { return lines->piece(); });
}

// The next line, or the end, or nothing yet.
HttpPiece RewardCall::Lines::piece() {
  std::optional<Scored> one;
  {
    const std::lock_guard lock(mutex);
    if (scored.empty() && !ended) {
      return {};
    }
    if (!scored.empty()) {
      one = std::move(scored.front());
      scored.pop_front();
    }
  }
  std::string text;
  try {
    if (one) {
      note_spelled_ends(std::span(&*one, 1), context);
      text = line(next++, *one);
    } else {
      ticket.scored.get();
    }
  } catch (...) {
    text = error_body(http_error(std::current_exception()));
  }
  return {text.empty() ? "" : text + "\n", !one};
}

}  // namespace endorm
