#include "app/cli/checkpoint_conversion.h"

#include <filesystem>
#include <fstream>
#include <optional>
#include <regex>
#include <string_view>

#include <nlohmann/json.hpp>

#include "app/cli/write_file.h"
#include "core/errors.h"
#include "engine/scratch_directory.h"

namespace endorm {
namespace {

namespace fs = std::filesystem;

nlohmann::json read_json(const fs::path& path) {
  std::ifstream file(path);
  nlohmann::json value = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (!value.is_object()) {
    throw InvalidInput("[convert] " + path.string() +
                       " cannot be read, or is no JSON object: the checkpoint is damaged.");
  }
  return value;
}

// The repository where `source` names one of the hub and no directory; nothing where it is a directory.
std::optional<std::string> repository_of(const std::string& source) {
  constexpr std::string_view kHub = "hf:";
  const bool named = source.starts_with(kHub);
  if (!named && fs::is_directory(source)) {
    return std::nullopt;
  }
  const std::string repository = named ? source.substr(kHub.size()) : source;
  static const std::regex kForm("[A-Za-z0-9][\\w.-]*/[\\w.-]+");
  if (!fs::exists(source) && std::regex_match(repository, kForm)) {
    return repository;
  }
  throw InvalidInput("[convert] \"" + source + "\" is no directory" + (fs::exists(source) ? ", but a file" : "") +
                     ". Give the directory of a checkpoint (with config.json, a tokenizer and weights), or ORG/REPO of "
                     "the hub.");
}

bool has_weights(const fs::path& directory, CheckpointKind kind) {
  for (const auto& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    const bool weights = name.ends_with(".safetensors") || name.ends_with(".bin");
    if (weights && name.starts_with("adapter_") == (kind == CheckpointKind::kAdapter)) {
      return true;
    }
  }
  return false;
}

// The converter has transformers run what a checkpoint brings: nobody who gave a directory has asked for that.
void refuse_code(const fs::path& directory) {
  for (const char* name : {"config.json", "tokenizer_config.json"}) {
    const fs::path path = directory / name;
    if (fs::exists(path) && read_json(path).contains("auto_map")) {
      throw InvalidInput("[convert] " + path.string() +
                         " names Python code of its own (auto_map), which transformers would run. If you trust it, say "
                         "--trust-remote-code.");
    }
  }
}

CheckpointKind examine(const std::string& directory, bool trust_code) {
  const CheckpointKind kind = checkpoint_kind(directory);
  if (kind == CheckpointKind::kNone) {
    throw InvalidInput("[convert] " + directory +
                       " is no checkpoint: it has neither config.json nor adapter_config.json. Give the directory that "
                       "save_pretrained wrote.");
  }
  const bool adapter = kind == CheckpointKind::kAdapter;
  read_json(fs::path(directory) / (adapter ? "adapter_config.json" : "config.json"));
  if (!has_weights(directory, kind)) {
    throw InvalidInput("[convert] " + directory + " has no weights: there is no " +
                       (adapter ? "adapter_model.safetensors" : "*.safetensors and no pytorch_model*.bin") + " in it.");
  }
  if (!trust_code) {
    refuse_code(directory);
  }
  return kind;
}

std::string name_of(const std::string& directory) {
  const fs::path path = fs::absolute(directory).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

// Before the work: what would stop the file from taking its place.
void check_target(const std::string& file, bool overwrite) {
  check_directories("convert", {&file, 1});
  if (fs::is_directory(file)) {
    throw InvalidInput("[convert] " + file + " is a directory. Give a file with -o.");
  }
  if (fs::exists(file) && !overwrite) {
    throw InvalidInput("[convert] " + file + " is there already. Give another file with -o, or say --overwrite.");
  }
  const ScratchDirectory writable(fs::path(file).parent_path(), ".endorm-convert-");
}

std::string fetch(const ConverterEnvironment& environment, const ConverterSettings& converter,
                  const std::string& repository, bool weights) {
  converter.say("Fetching " + repository + (weights ? "" : " (without weights)") + " from the hub");
  return environment
      .run("hub.py", {repository, weights ? "weights" : "no-weights", converter.offline ? "offline" : "online"},
           "[convert] " + repository + " is no directory here, and as a repository of the hub it cannot be had: ")
      .at("folder");
}

// The directory of an adapter's model: its shapes and tokenizer are wanted, and its weights for the check.
std::string base_of(const std::string& adapter, const ConversionSettings& settings,
                    const ConverterEnvironment& environment, const ConverterSettings& converter) {
  const nlohmann::json named =
      read_json(fs::path(adapter) / "adapter_config.json").value("base_model_name_or_path", nlohmann::json());
  std::string base = !settings.base.empty() ? settings.base : named.is_string() ? named.get<std::string>() : "";
  if (base.empty()) {
    throw InvalidInput("[convert] " + adapter +
                       " does not say which model it adapts. Give its checkpoint with --base.");
  }
  if (!fs::is_directory(base)) {
    try {
      return fetch(environment, converter, *repository_of(base), settings.check);
    } catch (const Interrupted&) {
      throw;
    } catch (const Error& error) {
      throw InvalidInput(std::string(error.what()) + " The adapter's model is needed: give its directory with --base.");
    }
  }
  if (checkpoint_kind(base) != CheckpointKind::kModel) {
    throw InvalidInput("[convert] the adapter's model " + base +
                       " is no checkpoint: it has no config.json. Give one with --base.");
  }
  if (!settings.trust_code) {
    refuse_code(base);
  }
  return base;
}

}  // namespace

Conversion convert_checkpoint(const ConversionSettings& settings, const ConverterSettings& converter) {
  const std::optional<std::string> repository = repository_of(settings.source);
  Conversion made;
  made.file = settings.output;
  const auto examined = [&](const std::string& directory) {
    made.checkpoint = directory;
    made.kind = examine(directory, settings.trust_code);
    made.type = !settings.type.empty() ? settings.type : made.kind == CheckpointKind::kAdapter ? "f32" : "bf16";
    if (made.file.empty()) {
      made.file = name_of(repository.value_or(directory)) + "-" + made.type + ".gguf";
    }
    check_target(made.file, settings.overwrite);
  };
  if (!repository) {
    examined(settings.source);
  }
  ConverterEnvironment environment(converter);
  environment.need({});
  if (repository) {
    examined(fetch(environment, converter, *repository, /*weights=*/true));
  }
  const bool adapter = made.kind == CheckpointKind::kAdapter;
  if (adapter) {
    environment.need(settings.check ? kAdapterCheckPackages : std::vector<PythonPackage>{});
    made.base = base_of(made.checkpoint, settings, environment, converter);
  }
  converter.say("Converting " + settings.source + " to " + made.type);
  // Beside its place, so that it moves there as a whole. The converter reads braces in a name: here it has none.
  const ScratchDirectory scratch(fs::path(made.file).parent_path(), ".endorm-convert-");
  const fs::path whole = scratch.path() / "model.gguf";
  environment.run("convert.py",
                  {adapter ? "adapter" : "model", made.checkpoint, whole.string(), made.type,
                   adapter ? made.base : name_of(repository.value_or(made.checkpoint))},
                  "[convert] llama.cpp's converter does not convert " + settings.source + ": ");
  fs::rename(whole, made.file);
  return made;
}

}  // namespace endorm
