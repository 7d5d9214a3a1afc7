#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "app/server/answer_book.h"
#include "app/server/http_message.h"
#include "app/server/served_models.h"

namespace endorm {

// POST /v1/load: a model is loaded beside those that are served, by a thread of its own, and put in the place of the
// one of its name, which is freed when the last request that it has is answered. One at a time. begin() is called by
// one thread.
class ModelSwap {
 public:
  // load: throws what loading throws. say: takes a line for whoever runs the server; none: nobody.
  ModelSwap(AnswerBook& book, Metrics& metrics, std::function<ServedModel(const ModelOrder&)> load,
            std::function<void(const std::string& line)> say);
  // Waits until what is being loaded is there. Behind the end of all threads that answer.
  ~ModelSwap();
  ModelSwap(const ModelSwap&) = delete;
  ModelSwap& operator=(const ModelSwap&) = delete;

  // Answers at once where another one runs, else when the model serves or could not be loaded. models outlives this.
  void begin(ServedModels& models, const std::shared_ptr<HttpRequest>& request,
             const std::shared_ptr<HttpReply>& reply);

 private:
  LentModel replace(ServedModels& models, const ModelOrder& order);
  void say(const std::string& line) const;

  AnswerBook& book_;
  Metrics& metrics_;
  std::function<ServedModel(const ModelOrder&)> load_;
  std::function<void(const std::string& line)> say_;
  std::atomic<bool> running_ = false;
  std::atomic<bool> closing_ = false;
  std::thread thread_;
};

}  // namespace endorm
