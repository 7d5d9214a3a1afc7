#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "app/cli/commands.h"
#include "app/environment.h"

namespace endorm {
namespace {

void list_models() {
  const ModelStoreOptions options = model_store_options(true);
  std::printf("%-18s %8s  %-20s %s\n", "name", "MB", "licence", "");
  for (const KnownModel& model : known_models()) {
    const std::string path = cached_model_path(model, options);
    std::error_code failure;
    const bool cached = std::filesystem::file_size(path, failure) == model.bytes && !failure;
    std::printf("%-18s %8zu  %-20s %s\n", std::string(model.name).c_str(), model.bytes / 1000000,
                std::string(model.licence).c_str(), std::string(model.description).c_str());
    std::printf("%-18s %8s  %-20s %s\n", "", "", "", cached ? path.c_str() : "not fetched yet");
  }
  std::printf("Any other model: --model FILE.gguf, or --model hf:ORG/REPO:QUANT\n");
  std::printf("A checkpoint of transformers: endorm models convert DIR\n");
}

}  // namespace

void add_models_command(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("models", "List the models that can be asked for by name, fetch one, or convert a checkpoint");
  auto name = std::make_shared<std::string>();
  CLI::App* fetch = command->add_subcommand("fetch", "Fetch a model into the cache and print its path");
  fetch->add_option("model", *name, "a name from the list, or hf:ORG/REPO:QUANT")->required();
  fetch->callback([name] { std::printf("%s\n", resolve_model(*name, model_store_options(false)).c_str()); });
  add_convert_command(*command);
  command->footer(
      "Example:\n"
      "  endorm models fetch smollm2-135m\n"
      "  endorm models convert runs/my-model --check");
  command->callback([command] {
    if (command->get_subcommands().empty()) {
      list_models();
    }
  });
}

}  // namespace endorm
