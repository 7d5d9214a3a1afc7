#pragma once

#include <memory>
#include <span>
#include <string>

#include "app/server/http_error.h"
#include "app/server/served_model.h"

namespace endorm {

// What /v1/models tells, in OpenAI's shape.
Json model_object(const ServedModel& model);
Json model_list(std::span<const std::shared_ptr<ServedModel>> models);

// llama-server's /props, as far as its clients read it: how many requests are worth sending at once.
Json server_properties(const ServedModel& model);

// vLLM's /tokenizer_info, as far as lm-evaluation-harness reads it, whose remote tokenizer asks /tokenize for the rest:
// {"bos_token", "eos_token", "pad_token", "chat_template"}, each text or null. Throws InvalidInput where the model's
// text is another server's.
Json tokenizer_info(const Engine& engine);

// Status 404: there is none of this name, but these.
HttpError no_model(const std::string& name, std::span<const std::string> names);

}  // namespace endorm
