#include "app/server/served_models.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "app/server/model_objects.h"
#include "core/errors.h"

namespace endorm {

LentModel::LentModel(ServedModel model) : model_(std::make_unique<ServedModel>(std::move(model))) {
  auto returned = std::make_shared<std::promise<void>>();
  returned_ = returned->get_future();
  lent_ = std::shared_ptr<ServedModel>(model_.get(), [returned](ServedModel*) { returned->set_value(); });
}

bool LentModel::take_back(std::chrono::milliseconds within) {
  lent_.reset();
  return returned_.wait_for(within) == std::future_status::ready;
}

ServedModels::ServedModels(std::vector<ServedModel> models) {
  for (ServedModel& model : models) {
    if (std::find(names_.begin(), names_.end(), model.name) != names_.end()) {
      throw InvalidInput("[serve] two models are called \"" + model.name + "\". Give one of them another name.");
    }
    names_.push_back(model.name);
    model.created = std::time(nullptr);
    models_.emplace_back(std::move(model));
  }
}

std::size_t ServedModels::place_of(const std::string& name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  if (found == names_.end()) {
    throw RequestRefused{no_model(name, names_)};
  }
  return static_cast<std::size_t>(found - names_.begin());
}

std::shared_ptr<ServedModel> ServedModels::of(const Json& body) const {
  const Json* name = optional_field(body, "model");
  return names_.size() == 1 || !name ? first() : lend(name->is_string() ? name->get<std::string>() : name->dump());
}

std::shared_ptr<ServedModel> ServedModels::first() const { return all().front(); }

std::shared_ptr<ServedModel> ServedModels::lend(const std::string& name) const {
  const std::size_t place = place_of(name);
  const std::lock_guard lock(mutex_);
  return models_[place].lend();
}

LentModel ServedModels::replace(ServedModel model) {
  const std::size_t place = place_of(model.name);
  model.created = std::time(nullptr);
  LentModel other(std::move(model));
  const std::lock_guard lock(mutex_);
  std::swap(models_[place], other);
  return other;
}

std::vector<std::shared_ptr<ServedModel>> ServedModels::all() const {
  std::vector<std::shared_ptr<ServedModel>> all;
  const std::lock_guard lock(mutex_);
  for (const LentModel& model : models_) {
    all.push_back(model.lend());
  }
  return all;
}

std::map<std::string, ModelCounts> ServedModels::counts() const {
  std::map<std::string, ModelCounts> counts;
  for (const std::shared_ptr<ServedModel>& model : all()) {
    counts[model->name] = {model->queue->counts(), model->description, model->created};
  }
  return counts;
}

std::string ServedModels::list() const { return model_list(all()).dump(); }

std::string ServedModels::object(const std::string& name) const { return model_object(*lend(name)).dump(); }

}  // namespace endorm
