#include "score/manifest.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

Json shard_or_null(const std::string& shard) { return shard.empty() ? Json() : Json(shard); }

// The options that stand in a part: all that are always told, the others where they are not at their default.
void put_options(const RewardOptions& options, ManifestPart part, Json& into) {
  for (const Option<RewardOptions>& option : reward_options()) {
    if (option.part == part) {
      Json value = option.get(options);
      if (option.always_told || value != option.get({})) {
        into[std::string(option.told_as())] = std::move(value);
      }
    }
  }
}

}  // namespace

Json model_part(const ModelInfo& model) {
  return {{"name", model.name},
          {"file", model.file},
          {"sha256", model.sha256},
          {"arithmetic", model.arithmetic},
          {"fingerprint", model.fingerprint}};
}

Json model_anywhere_part(const ModelInfo& model) {
  Json part = model_part(model);
  part.erase("file");
  return part;
}

Json judge_part(const std::string& name, const std::string& fingerprint) {
  return {{"name", name}, {"fingerprint", fingerprint}};
}

Json prompt_template_part(const std::string& fingerprint, const TemplateOptions& text) {
  Json part = {{"fingerprint", fingerprint}};
  RewardOptions options;
  options.score.text = text;
  put_options(options, ManifestPart::kPrompt, part);
  return part;
}

Json template_part(const std::string& fingerprint, const TemplateOptions& text) {
  Json part = {{"fingerprint", fingerprint}};
  RewardOptions options;
  options.score.text = text;
  put_options(options, ManifestPart::kTemplate, part);
  put_options(options, ManifestPart::kPrompt, part);
  return part;
}

Json options_part(const RewardOptions& options, std::size_t context, const std::string& shard) {
  Json part = {{"alpha", nullptr}};  // in the place that it has in files
  put_options(options, ManifestPart::kOptions, part);
  part["context"] = context;
  put_options(options, ManifestPart::kComputing, part);
  part["shard"] = shard_or_null(shard);
  put_options(options, ManifestPart::kRows, part);
  return part;
}

Json prompt_options_part(std::size_t context, const std::string& shard) {
  return {{"context", context}, {"shard", shard_or_null(shard)}};
}

std::string manifest_line(const Json& manifest) {
  try {
    return Json{{"manifest", manifest}}.dump();
  } catch (const Json::type_error& error) {
    throw InternalError(std::string("[manifest_line] a text is not valid UTF-8 (") + error.what() +
                        "). Please report it.");
  }
}

}  // namespace endorm
