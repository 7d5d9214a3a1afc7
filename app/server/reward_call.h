#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "app/server/answer_book.h"
#include "app/server/byte_budget.h"
#include "app/server/http_message.h"
#include "app/server/serial_work.h"
#include "app/server/served_models.h"
#include "app/server/teacher_protocols.h"

namespace endorm {

// What calls of a server share; outlives them.
struct CallHouse {
  AnswerBook& book;
  Metrics& metrics;
  SaidNotes& said;
  ByteBudget& budget;
  std::chrono::milliseconds timeout;                // of a request, its wait included
  std::function<void(std::function<void()>)> work;  // to be done by a thread of the pool
  std::atomic<std::uint64_t> ids = 0;
  SerialWork large{work};  // bodies that are: reading one takes several times its size
  std::atomic<bool> had_large = false;
};

// What a route does with a body: one of these.
struct CallRoute {
  const ProtocolRoute* protocol = nullptr;
  const CompletionsRoute* completions = nullptr;
  Json (*at_once)(const Engine&, const Json&, const ProtocolContext&) = nullptr;  // asks a model for no computing
};

// A request for rewards or completions on its way: read by a thread of the pool, computed by the queue's, answered
// once by whichever comes first of the result, the end of its time, and the client's leaving.
class RewardCall : public std::enable_shared_from_this<RewardCall> {
 public:
  RewardCall(CallHouse& house, std::shared_ptr<HttpRequest> request, std::shared_ptr<HttpReply> reply,
             std::string route);
  RewardCall(const RewardCall&) = delete;
  RewardCall& operator=(const RewardCall&) = delete;
  ~RewardCall();

  // models outlives the call.
  void begin(ServedModels& models, const CallRoute& route);

 private:
  Json read_body();
  void forget_body(Json& body);
  void read(ServedModels& models, const CallRoute& route);
  void reward(const std::shared_ptr<ServedModel>& model, const ProtocolRoute& route, Json body);
  void complete(const std::shared_ptr<ServedModel>& model, const CompletionsRoute& route, Json body);
  ProtocolContext context_of(const ServedModel& model);
  Waiting waiting(const Json& body);
  void wait_for(RewardQueue::Ticket ticket, std::function<std::string(std::vector<Scored>)> result);
  void arrive();
  void answer(std::string body, const std::string& session = {});  // session: of a cookie; empty: none
  void give_up(const HttpError& error);
  void fail(const std::exception_ptr& thrown);
  bool claim();
  Notes notes() const;

  struct Lines;
  void stream(const std::shared_ptr<ServedModel>& model, Asked asked, const ProtocolContext& context, Waiting waiting);

  CallHouse& house_;
  std::shared_ptr<HttpRequest> request_;
  std::shared_ptr<HttpReply> reply_;
  std::string route_;
  std::string id_;
  std::chrono::steady_clock::time_point deadline_;
  std::atomic<bool> answered_ = false;
  std::atomic<int> arrived_ = 0;  // of two: the ticket, and the word that it is ready

  mutable std::mutex mutex_;
  Notes notes_;
  bool given_up_ = false;
  RewardQueue::Ticket ticket_;
  std::function<std::string(std::vector<Scored>)> result_;
};

}  // namespace endorm
