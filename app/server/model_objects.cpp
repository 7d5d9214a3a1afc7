#include "app/server/model_objects.h"

#include "core/listed.h"
#include "core/utf8.h"
#include "engine/text_form.h"

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

Json tokenizer_info(const Engine& engine) {
  const SpecialTexts texts = required(engine.text_form(), engine, "tokenizer_info").special_texts();
  const auto text_or_null = [](const std::string& text) { return text.empty() ? Json() : Json(valid_utf8(text)); };
  return {{"bos_token", text_or_null(texts.bos)},
          {"eos_token", text_or_null(texts.eos)},
          {"pad_token", text_or_null(texts.pad)},
          {"chat_template", text_or_null(texts.chat_template)}};
}

HttpError no_model(const std::string& name, std::span<const std::string> names) {
  return {404, "invalid_request_error",
          "there is no model " + Json(excerpt(name)).dump() + ". There are " + listed(names) + "."};
}

}  // namespace endorm
