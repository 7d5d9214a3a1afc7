#include "app/run_manifest.h"

#include <array>
#include <chrono>
#include <ctime>
#include <filesystem>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "app/version.h"
#include "engine/content_hash.h"
#include "engine/machine_share.h"

namespace endorm {
namespace {

std::string now_utc() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm broken{};
  ::gmtime_r(&now, &broken);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &broken);
  return text.data();
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

}  // namespace

using Json = nlohmann::ordered_json;

Json data_part(const std::string& input) {
  if (input == "-" || !std::filesystem::is_regular_file(input)) {
    return nullptr;
  }
  return {{"file", input}, {"sha256", hex(sha256_file(input))}};
}

Json run_part(int threads) {
  return {{"started", now_utc()}, {"host", host_name()}, {"threads", threads > 0 ? threads : usable_processors()}};
}

Json files_part(std::span<const DataFile> files) {
  Json part = Json::array();
  for (const DataFile& file : files) {
    part.push_back(
        {{"name", std::filesystem::path(file.path).filename().string()}, {"sha256", file.sha256}, {"rows", file.rows}});
  }
  return part;
}

Json judge_part(const Judge& judge) { return judge_part(judge.name, judge.fingerprint); }

Json judges_part(std::span<const Judge> judges) {
  Json part = Json::array();
  for (const Judge& judge : judges) {
    part.push_back(judge_part(judge));
  }
  return part;
}

Json files_manifest(const std::string& command, const Engine& engine, ManifestOf what, const ScoreOptions& options,
                    const std::string& shard, std::span<const DataFile> files) {
  const ModelInfo model = engine.model();
  const std::size_t context = engine.capabilities().context;
  const bool drawn = what == ManifestOf::kDrawn;
  return {{"endorm", kVersion},
          {"command", command},
          {"model", model_anywhere_part(model)},
          {"template", drawn ? prompt_template_part(model.template_fingerprint, options.text)
                             : template_part(model.template_fingerprint, options.text)},
          {"options", drawn ? prompt_options_part(context, shard) : options_part({options, {}}, context, shard)},
          {"files", files_part(files)}};
}

}  // namespace endorm
