#pragma once

#include <cstdint>
#include <ctime>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "app/server/http_error.h"
#include "app/server/served_model.h"

namespace endorm {

// A fault of the request that is not one of its fields.
struct RequestRefused {
  HttpError error;
};

// The models of a server, by their names.
class ServedModels {
 public:
  // Throws InvalidInput where two have one name.
  explicit ServedModels(std::vector<ServedModel> models);

  // The model that a body names. Of one model, every name is its name: clients send names of their own. Throws
  // RequestRefused where there is no such model.
  ServedModel& of(const Json& body);
  const ServedModel& first() const { return models_.front(); }
  std::map<std::string, QueueCounts> counts() const;
  // The bodies of /v1/models and of /v1/models/{id}, which throws RequestRefused where there is no such model.
  std::string list() const;
  std::string object(const std::string& name) const;

 private:
  std::vector<ServedModel> models_;
  std::map<std::string, ServedModel*> by_name_;
  std::int64_t since_ = std::time(nullptr);  // seconds since 1970
};

}  // namespace endorm
