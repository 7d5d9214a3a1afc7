#include "app/server/model_objects.h"

#include "core/listed.h"
#include "core/utf8.h"

namespace endorm {

Json model_object(const ServedModel& model) {
  return {{"id", model.name},
          {"object", "model"},
          {"created", model.created},
          {"owned_by", "endorm"},
          {"description", model.description},
          {"max_model_len", model.queue->engine().capabilities().context}};
}

Json model_list(std::span<const std::shared_ptr<ServedModel>> models) {
  Json list = Json::array();
  for (const std::shared_ptr<ServedModel>& model : models) {
    list.push_back(model_object(*model));
  }
  return {{"object", "list"}, {"data", std::move(list)}};
}

Json server_properties(const ServedModel& model) {
  constexpr int kAtOnce = 16;
  return {{"total_slots", kAtOnce},
          {"model_path", model.description},
          {"default_generation_settings", {{"n_ctx", model.queue->engine().capabilities().context}}}};
}

HttpError no_model(const std::string& name, std::span<const std::string> names) {
  return {404, "invalid_request_error",
          "there is no model " + Json(excerpt(name)).dump() + ". There are " + listed(names) + "."};
}

}  // namespace endorm
