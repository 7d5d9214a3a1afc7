#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "app/server/http_error.h"
#include "app/server/served_model.h"

namespace endorm {

// What /v1/models tells, in OpenAI's shape; created: when the server had the model, seconds since 1970.
Json model_object(const ServedModel& model, std::int64_t created);
Json model_list(std::span<const ServedModel> models, std::int64_t created);

// llama-server's /props, as far as its clients read it: how many requests are worth sending at once.
Json server_properties(const ServedModel& model);

// Status 404: there is none of this name, but these.
HttpError no_model(const std::string& name, std::span<const ServedModel> models);

}  // namespace endorm
