#include "app/server/served_models.h"

#include <utility>

#include "app/server/model_objects.h"
#include "core/errors.h"

namespace endorm {

ServedModels::ServedModels(std::vector<ServedModel> models) : models_(std::move(models)) {
  for (ServedModel& model : models_) {
    if (!by_name_.emplace(model.name, &model).second) {
      throw InvalidInput("[serve] two models are called \"" + model.name + "\". Give one of them another name.");
    }
  }
}

ServedModel& ServedModels::of(const Json& body) {
  const Json* name = optional_field(body, "model");
  if (models_.size() == 1 || !name) {
    return models_.front();
  }
  const auto found = name->is_string() ? by_name_.find(name->get<std::string>()) : by_name_.end();
  if (found == by_name_.end()) {
    throw RequestRefused{no_model(name->is_string() ? name->get<std::string>() : name->dump(), models_)};
  }
  return *found->second;
}

std::map<std::string, QueueCounts> ServedModels::counts() const {
  std::map<std::string, QueueCounts> counts;
  for (const ServedModel& model : models_) {
    counts.emplace(model.name, model.queue->counts());
  }
  return counts;
}

std::string ServedModels::list() const { return model_list(models_, since_).dump(); }

std::string ServedModels::object(const std::string& name) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) {
    throw RequestRefused{no_model(name, models_)};
  }
  return model_object(*found->second, since_).dump();
}

}  // namespace endorm
