#pragma once

#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "app/server/http_error.h"
#include "app/server/metrics.h"
#include "app/server/served_model.h"

namespace endorm {

// A fault of the request that is not one of its fields.
struct RequestRefused {
  HttpError error;
};

// A model, and who uses it: whoever has what lend() gives.
class LentModel {
 public:
  explicit LentModel(ServedModel model);

  const std::shared_ptr<ServedModel>& lend() const { return lent_; }
  // Lends no more; whether nobody uses it any more, or within that time ceases to.
  bool take_back(std::chrono::milliseconds within);

 private:
  std::unique_ptr<ServedModel> model_;
  std::future<void> returned_;
  std::shared_ptr<ServedModel> lent_;
};

// The models of a server, by their names. Thread-safe.
class ServedModels {
 public:
  // Throws InvalidInput where two have one name.
  explicit ServedModels(std::vector<ServedModel> models);

  // The model that a body names. Of one model, every name is its name: clients send names of their own. Throws
  // RequestRefused where there is no such model.
  std::shared_ptr<ServedModel> of(const Json& body) const;
  std::shared_ptr<ServedModel> first() const;
  // The model of just this name. Throws RequestRefused where there is none.
  std::shared_ptr<ServedModel> lend(const std::string& name) const;
  // Puts it in the place of the one of its name, which is returned. Throws RequestRefused where there is none.
  LentModel replace(ServedModel model);

  std::map<std::string, ModelCounts> counts() const;
  // The bodies of /v1/models and of /v1/models/{id}, which throws RequestRefused where there is no such model.
  std::string list() const;
  std::string object(const std::string& name) const;

 private:
  std::size_t place_of(const std::string& name) const;
  std::vector<std::shared_ptr<ServedModel>> all() const;

  mutable std::mutex mutex_;
  std::vector<std::string> names_;  // of models_, do not change
  std::vector<LentModel> models_;
};

}  // namespace endorm
