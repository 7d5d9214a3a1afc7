#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "app/cli/checkpoint_conversion.h"
#include "app/cli/commands.h"
#include "app/cli/conversion_check.h"
#include "app/environment.h"
#include "core/errors.h"
#include "engine/llama/llama_engine.h"
#include "engine/weights/gguf_file.h"

namespace endorm {
namespace {

struct ConvertFlags {
  ConversionSettings conversion;
  std::string python = "python3";
  std::string model;  // GGUF of an adapter's model
  bool offline = false;
};

ConverterSettings converter_settings(const ConvertFlags& flags) {
  ConverterSettings settings;
  settings.python = flags.python;
  settings.cache_directory = cache_directory();
  settings.offline = flags.offline;
  settings.say = [](const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); };
  return settings;
}

// The type of most of the weights, by the last word of llama.cpp's description ("llama 1B BF16").
std::string weight_type(const LlamaEngine& engine) {
  constexpr std::array<std::pair<std::string_view, const char*>, 4> kTypes{
      {{"BF16", "bf16"}, {"F16", "f16"}, {"F32", "f32"}, {"Q8_0", "q8_0"}}};
  for (const auto& [word, type] : kTypes) {
    if (engine.model_info().description.find(word) != std::string::npos) {
      return type;
    }
  }
  throw InvalidInput("[convert] --check knows the types bf16, f16, f32 and q8_0, and " + engine.model().file + " is " +
                     engine.model_info().description + ". Give a --model of one of these.");
}

void print_model(const LlamaModelInfo& info) {
  std::printf("loads as   %s, %zu parameters, context %zu\n", info.description.c_str(), info.parameters,
              info.trained_context);
  std::printf("template   %s\n", info.has_chat_template ? "the checkpoint's chat template"
                                                        : "none: give --template plain, raw or a jinja file");
}

std::unique_ptr<LlamaEngine> load(const Conversion& made, const ConvertFlags& flags) {
  const bool adapter = made.kind == CheckpointKind::kAdapter;
  LlamaEngineOptions options;
  options.model_path = adapter ? resolve_model(flags.model, model_store_options(flags.offline)) : made.file;
  if (adapter) {
    options.adapters.push_back({made.file, 1.0F});
  }
  options.template_source = TemplateSource::kRaw;  // the texts of the check; and a model without one loads, too
  options.hash_model = false;
  if (flags.conversion.check) {
    options.cache_type = CacheType::kF32;  // what keys, values and products lose in 16 bits is not the file's fault
    options.f32_products = true;
  }
  try {
    return make_llama_engine(options);
  } catch (const EngineError& error) {
    throw EngineError("[convert] " + made.file + " is written, but cannot be used: " + error.what());
  } catch (const InvalidInput& error) {
    throw InvalidInput("[convert] " + made.file + " is written, but cannot be used: " + error.what());
  }
}

// Where nothing was given to load it onto: read as a file.
void print_adapter_unloaded(const Conversion& made) {
  const GgufFile file(made.file);
  std::printf("holds      an adapter of %zu matrices, for --lora\n", file.tensors().size() / 2);
  std::printf("not loaded: --model FILE, its model in GGUF, tries it\n");
}

void print_difference(const ConversionDifference& found, const std::string& type, const std::string& arithmetic) {
  std::printf("tokens     as transformers cuts them in %zu of %zu texts\n", found.same_tokens, found.texts);
  std::printf("log-probs  of %zu tokens (%s), against transformers in f32%s: mean difference %.2g nats, largest %.2g\n",
              found.tokens, arithmetic.c_str(), type == "f32" ? "" : (" of weights in " + type).c_str(), found.mean,
              found.largest);
  if (type != "f32") {
    std::printf("           what %s itself changes, in transformers: mean %.2g nats, largest %.2g\n", type.c_str(),
                found.type_mean, found.type_largest);
  }
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

void check(const Conversion& made, LlamaEngine& engine, const ConvertFlags& flags) {
  const std::string type = made.kind == CheckpointKind::kAdapter ? weight_type(engine) : made.type;
  const ConversionDifference found = compare_with_transformers(made, type, engine, converter_settings(flags));
  print_difference(found, type, engine.model().arithmetic);
  const double bound = mean_bound(engine);
  if (!(found.mean <= bound)) {
    throw EngineError("[convert] " + made.file +
                      " does not compute what transformers computes: the mean difference is above " + number(bound) +
                      " nats. llama.cpp may read this checkpoint wrongly.");
  }
  if (found.same_tokens != found.texts) {
    throw EngineError("[convert] " + made.file + " cuts " + std::to_string(found.texts - found.same_tokens) + " of " +
                      std::to_string(found.texts) +
                      " texts into other tokens than transformers does, so rewards are not the checkpoint's. Where the "
                      "original model has a tokenizer.model, put it beside tokenizer.json and convert again.");
  }
}

// Before the work, where the kind of checkpoint is known before it is fetched.
void check_flags(const ConvertFlags& flags) {
  const CheckpointKind kind = checkpoint_kind(flags.conversion.source);
  if (kind == CheckpointKind::kAdapter && flags.conversion.check && flags.model.empty()) {
    throw InvalidInput("[convert] --check of an adapter needs its model in GGUF: give it with --model.");
  }
  if (kind == CheckpointKind::kModel && !(flags.model + flags.conversion.base).empty()) {
    throw InvalidInput("[convert] " + flags.conversion.source +
                       " is a model: --model and --base are for adapters. Leave them out.");
  }
}

void run_convert(const ConvertFlags& flags) {
  check_flags(flags);
  const Conversion made = convert_checkpoint(flags.conversion, converter_settings(flags));
  std::printf("written    %s, %.1f MB\n", made.file.c_str(),
              static_cast<double>(std::filesystem::file_size(made.file)) / 1e6);
  if (made.kind == CheckpointKind::kAdapter && flags.model.empty()) {
    print_adapter_unloaded(made);
    return;
  }
  const std::unique_ptr<LlamaEngine> engine = load(made, flags);
  print_model(engine->model_info());
  if (flags.conversion.check) {
    check(made, *engine, flags);
  }
}

}  // namespace

void add_convert_command(CLI::App& models) {
  auto flags = std::make_shared<ConvertFlags>();
  ConversionSettings& conversion = flags->conversion;
  CLI::App* command =
      models.add_subcommand("convert", "Make a GGUF file of a checkpoint that transformers or PEFT wrote");
  command
      ->add_option("checkpoint", conversion.source, "directory of a model or of a LoRA adapter, or ORG/REPO of the hub")
      ->required();
  command->add_option("-o,--output", conversion.output, "file to write (default: NAME-TYPE.gguf here)");
  command->add_option("--type", conversion.type, "of the matrices (default: bf16; f32 for an adapter)")
      ->check(CLI::IsMember({"bf16", "f32", "f16", "q8_0"}));
  command->add_flag("--check", conversion.check,
                    "compare tokens and log-probabilities with transformers in f32, on four texts; ends with 1 where "
                    "they differ by more than rounding explains");
  command->add_option("--base", conversion.base,
                      "of an adapter: its model's checkpoint, directory or ORG/REPO (default: the one it names)");
  command->add_option("-m,--model", flags->model, "of an adapter: its model in GGUF, to load it onto");
  command->add_option(
      "--python", flags->python,
      "interpreter whose packages are used; what it lacks (torch, transformers, ...) is installed once, "
      "in the cache");
  command->add_flag("--offline", flags->offline, "download nothing");
  command->add_flag("--overwrite", conversion.overwrite, "replace the file where it is there");
  command->add_flag("--trust-remote-code", conversion.trust_code,
                    "let transformers run Python that the checkpoint brings");
  command->footer(
      "Example:\n"
      "  endorm models convert runs/my-model --check\n"
      "  endorm models convert runs/my-adapter --base runs/my-model --model my-model-bf16.gguf");
  command->callback([flags] {
    try {
      run_convert(*flags);
    } catch (const std::filesystem::filesystem_error& error) {
      throw EngineError(std::string("[convert] ") + error.what() + ". Check the paths and your rights to them.");
    }
  });
}

}  // namespace endorm
