#pragma once

#include <cstddef>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "score/score_options.h"

namespace endorm {

// What made a result file: a JSON object of parts. Each part is made by who knows it, and a manifest is put together of
// those that its file depends on, in this order: "endorm" (the version), "command", "judge", "model", "template",
// "options", then what was read and how. Everything outside "run" must be equal for a run to be resumed.

// {"name", "file", "sha256", "arithmetic", "fingerprint"}; and without "file", for where it lies changes no number.
nlohmann::ordered_json model_part(const ModelInfo& model);
nlohmann::ordered_json model_anywhere_part(const ModelInfo& model);

// {"name", "fingerprint"}: whose rewards these are.
nlohmann::ordered_json judge_part(const std::string& name, const std::string& fingerprint);

// What of the chat template and its options writes a prompt: {"fingerprint", "date", "arguments"}; and with what
// decides how a response is read behind it. fingerprint: ModelInfo::template_fingerprint.
nlohmann::ordered_json prompt_template_part(const std::string& fingerprint, const TemplateOptions& text);
nlohmann::ordered_json template_part(const std::string& fingerprint, const TemplateOptions& text);

// What changes the numbers or the rows. context: tokens; shard: "i/n", empty: all records.
nlohmann::ordered_json options_part(const RewardOptions& options, std::size_t context, const std::string& shard);
// The same of what writes a prompt alone: {"context", "shard"}.
nlohmann::ordered_json prompt_options_part(std::size_t context, const std::string& shard);

// {"manifest": {..}}, without a newline as all lines here.
std::string manifest_line(const nlohmann::ordered_json& manifest);

}  // namespace endorm
