#include "app/server/model_swap.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "core/utf8.h"
#include "score/json_field.h"

namespace endorm {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kRoute = "/v1/load";
constexpr std::chrono::milliseconds kLookAround{20};  // between two looks whether the server ends
constexpr std::array kFields{"model", "path", "adapter"};

// {"model": name, "path": what --model takes, "adapter": one or a list of what --lora takes}. Throws InvalidInput.
ModelOrder read_order(const Json& body) {
  for (const auto& [name, value] : body.items()) {
    if (std::find(kFields.begin(), kFields.end(), name) == kFields.end()) {
      throw InvalidInput(Json(excerpt(name)).dump() + " is no field of it. There are model, path and adapter.");
    }
  }
  ModelOrder order{text_field(body, "model"), text_field(body, "path")};
  if (order.path.empty()) {
    throw InvalidInput("\"path\" is empty: give a GGUF file or the name of a known model.");
  }
  std::error_code unknown;
  const std::filesystem::file_status status = std::filesystem::status(order.path.c_str(), unknown);
  const bool is_other = std::filesystem::exists(status) && !std::filesystem::is_regular_file(status);
  if (is_other || order.path.find('\0') != std::string::npos) {  // a pipe would never end
    throw InvalidInput("\"path\" names no regular file. Give a GGUF file or the name of a known model.");
  }
  if (const Json* adapter = optional_field(body, "adapter")) {
    const bool is_none = adapter->is_array() && adapter->empty();
    order.adapters = is_none ? std::vector<std::string>{} : texts_field(body, "adapter");
  }
  return order;
}

// What was freed stays with the process otherwise: as much again as the larger model took.
void give_back_memory() {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

HttpError fault_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const RequestRefused& refused) {
    return refused.error;
  } catch (...) {
    return http_error(std::current_exception());
  }
}

}  // namespace

ModelSwap::ModelSwap(AnswerBook& book, Metrics& metrics, std::function<ServedModel(const ModelOrder&)> load,
                     std::function<void(const std::string& line)> say)
    : book_(book), metrics_(metrics), load_(std::move(load)), say_(std::move(say)) {}

ModelSwap::~ModelSwap() {
  closing_ = true;
  if (thread_.joinable()) {
    thread_.join();
  }
}

void ModelSwap::begin(ServedModels& models, const std::shared_ptr<HttpRequest>& request,
                      const std::shared_ptr<HttpReply>& reply) {
  const std::string id = book_.id_of(*request);
  if (running_.exchange(true)) {
    reply->send(book_.noted(*request, id, kRoute,
                            error_answer({409, "conflict",
                                          "another model is being loaded, or the one before it still has requests to "
                                          "answer. Come again when that is over."})));
    return;
  }
  if (thread_.joinable()) {
    thread_.join();  // it has ended
  }
  metrics_.in_flight(1);
  thread_ = std::thread([this, &models, request, reply, id] {
    std::optional<LentModel> old;
    HttpAnswer answer;
    std::string name;
    try {
      const ModelOrder order = read_order(parse_object(request->body));
      name = order.model;
      old = replace(models, order);
      answer.body = models.object(order.model);
    } catch (...) {
      const HttpError fault = fault_of(std::current_exception());
      say((name.empty() ? "a model" : name) + " was not loaded, nothing has changed: " + fault.message);
      answer = error_answer(fault);
    }
    metrics_.in_flight(-1);
    reply->send(book_.noted(*request, id, kRoute, std::move(answer)));
    while (old && !old->take_back(kLookAround) && !closing_) {
    }
    if (old) {
      old.reset();
      give_back_memory();
      say("the model before " + name + " is freed");
    }
    running_ = false;
  });
}

LentModel ModelSwap::replace(ServedModels& models, const ModelOrder& order) {
  const std::string before = models.lend(order.model)->description;
  const auto began = Clock::now();
  ServedModel fresh = load_(order);
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  const std::string summary = fresh.summary.empty() ? fresh.name : fresh.summary;
  LentModel old = models.replace(std::move(fresh));
  std::string took = std::to_string(seconds);
  took.resize(took.find('.') + 2);
  say(summary + " (in the place of " + before + ", loaded in " + took + " s)");
  return old;
}

void ModelSwap::say(const std::string& line) const {
  if (say_) {
    say_("endorm: " + line);
  }
}

}  // namespace endorm
