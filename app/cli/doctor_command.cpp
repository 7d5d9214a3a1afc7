#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/cli/commands.h"
#include "app/cli/option_flags.h"
#include "app/cli/progress.h"
#include "app/engine_settings.h"
#include "app/environment.h"
#include "app/version.h"
#include "core/errors.h"
#include "core/log_sum_exp.h"
#include "engine/llama/llama_engine.h"
#include "engine/machine_share.h"

namespace endorm {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Seconds for one row of V logits, the best of several.
double row_seconds(RowKernel kernel, std::size_t vocabulary) {
  std::vector<float> row(vocabulary);
  for (std::size_t i = 0; i < vocabulary; ++i) {
    row[i] = 8.0F * std::sin(static_cast<float>(i));
  }
  double best = INFINITY;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    row_statistics_on(kernel, row, 1.0);
    best = std::min(best, seconds_since(start));
  }
  return best;
}

void report_processor() {
  std::printf("endorm %s, llama.cpp %s\n\nProcessor\n", kVersion, kLlamaVersion);
  std::printf("  cores             %u, of which %d may be used\n", std::thread::hardware_concurrency(),
              usable_processors());
  std::printf("  compute library   %s\n", llama_system_info().c_str());
  constexpr std::size_t kVocabulary = 49152;
  std::printf("  log-sum-exp       ");
  const char* separator = "";
  for (const RowKernel kernel : available_row_kernels()) {
    std::printf("%s%s %.0f us", separator, row_kernel_name(kernel), 1e6 * row_seconds(kernel, kVocabulary));
    separator = ", ";
  }
  std::printf(" for a row of %zu logits; %s is used\n", kVocabulary, row_kernel_name(available_row_kernels().front()));
}

void report_cache() {
  std::printf("\nCache\n  directory         %s\n", cache_directory().c_str());
  const ModelStoreOptions options = model_store_options(true);
  for (const KnownModel& model : known_models()) {
    std::error_code failure;
    const bool cached =
        std::filesystem::file_size(cached_model_path(model, options), failure) == model.bytes && !failure;
    std::printf("  %-17s %s\n", std::string(model.name).c_str(), cached ? "there" : "not fetched yet");
  }
}

// How matrix products are computed, what it costs in memory, and where the time of the passes since `before` went.
void report_arithmetic(const LlamaEngine& engine, const AcceleratorProfile& before) {
  constexpr double kMega = 1e6;
  const AcceleratorInfo info = engine.accelerator_info();
  const AcceleratorReport& report = info.report;
  std::printf("  arithmetic        %s%s%s: %s\n", engine.model().arithmetic.c_str(), report.library.empty() ? "" : ", ",
              report.library.c_str(), info.reason.c_str());
  if (!engine.statistics_fault().empty()) {
    std::printf("  statistics        on the host: %s\n", engine.statistics_fault().c_str());
  }
  if (info.precision == Precision::kNative) {
    return;
  }
  std::printf("  memory            %.0f MB of weights packed, %.0f MB of the model file given back\n",
              static_cast<double>(report.packed_bytes) / kMega, static_cast<double>(report.released_bytes) / kMega);
  const auto of = [&](double AcceleratorProfile::*seconds) { return report.profile.*seconds - before.*seconds; };
  const std::pair<const char*, double> parts[] = {
      {"products", of(&AcceleratorProfile::products) + of(&AcceleratorProfile::conversions)},
      {"attention", of(&AcceleratorProfile::attention)},
      {"head", of(&AcceleratorProfile::head)},
      {"norms and activations", of(&AcceleratorProfile::activations)},
      {"llama.cpp's own kernels", of(&AcceleratorProfile::ggml)}};
  double all = 0.0;
  for (const auto& [name, seconds] : parts) {
    all += seconds;
  }
  std::printf("  where time goes   ");
  const char* separator = "";
  for (const auto& [name, seconds] : parts) {
    std::printf("%s%s %.0f %%", separator, name, 100.0 * seconds / all);
    separator = ", ";
  }
  std::printf("\n");
}

// Reads one text of 512 tokens, every token scored, and says where the time went.
void report_speed(const EngineSettings& flags) {
  if (!flags.remote_url.value_or("").empty()) {
    const std::unique_ptr<Engine> remote = make_engine(flags);
    std::printf("\nModel\n  %s\n  a remote model: %s\n", remote->model().name.c_str(),
                remote->capabilities().missing_reason.c_str());
    return;
  }
  std::fflush(stdout);
  std::optional<Progress> bar(std::in_place, std::nullopt);
  bar->waits_for("the model");
  const auto start = std::chrono::steady_clock::now();
  const std::unique_ptr<LlamaEngine> engine = make_local_engine(flags);
  const double load_seconds = seconds_since(start);
  bar.reset();
  std::printf("\nModel\n  %s\n", engine->model().name.c_str());
  const LlamaModelInfo& info = engine->model_info();
  std::printf("  %s, %zu parameters, %zu MB, loaded in %.2f s\n", info.description.c_str(), info.parameters,
              info.weight_bytes / 1000000, load_seconds);
  std::printf("  vocabulary %zu, context %zu, chat template %s%s\n", info.vocabulary, engine->capabilities().context,
              info.has_chat_template ? "yes" : "no (use --template plain, raw or a file)",
              info.recurrent ? ", recurrent state: branches are copies" : "");
  const std::size_t length = std::min<std::size_t>(512, engine->capabilities().context);
  Tokens tokens;
  for (std::size_t i = 0; i < length; ++i) {
    tokens.push_back(static_cast<Token>((i * 7919 + 13) % info.vocabulary));
  }
  TokenTree tree;
  tree.insert(std::span(tokens).first(1), std::span(tokens).subspan(1));
  std::fflush(stdout);
  bar.emplace(std::nullopt);
  bar->waits_for("the first pass");
  engine->evaluate(tree, {});  // packs weights and generates kernels
  bar->waits_for("three passes more");
  const AcceleratorProfile before = engine->accelerator_info().report.profile;
  double best = INFINITY;
  for (int repeat = 0; repeat < 3; ++repeat) {
    const auto begin = std::chrono::steady_clock::now();
    engine->evaluate(tree, {});
    best = std::min(best, seconds_since(begin));
  }
  bar.reset();
  const double flop = 2.0 * static_cast<double>(info.parameters) * static_cast<double>(length);
  std::printf("  %zu tokens, all scored: %.0f tokens/s, %.0f GFLOP/s\n", length, static_cast<double>(length) / best,
              flop / best / 1e9);
  report_arithmetic(*engine, before);
}

void report_advice(const EngineSettings& flags) {
  std::printf("\nAdvice\n");
  bool any = false;
  const auto advise = [&](const char* text) {
    std::printf("  - %s\n", text);
    any = true;
  };
  const std::string features = llama_system_info();
  if (features.find("AVX2 = 1") == std::string::npos && features.find("NEON = 1") == std::string::npos) {
    advise("The compute library was built without AVX2 or NEON: build on this machine (./run build), not on another.");
  }
  if (available_row_kernels().front() == RowKernel::kPortable) {
    advise("Log-sum-exp runs on its portable kernel: this processor has neither AVX-512 nor AVX2.");
  }
  if (flags.here.threads > usable_processors()) {
    advise("More threads than cores that may be used: they wait for one another. Leave --threads out.");
  }
  if (flags.here.flash_attention == false) {
    advise("--flash-attention off is slower on long texts.");
  }
  if (!any) {
    std::printf("  nothing stands out\n");
  }
}

}  // namespace

void add_doctor_command(CLI::App& app) {
  auto flags = std::make_shared<EngineSettings>();
  CLI::App* command = app.add_subcommand("doctor", "Say what this machine and build can do, what is slow, and why");
  add_option_flags(*command, engine_options(), *flags);
  command->footer("Example:\n  endorm doctor");
  command->callback([flags] {
    report_processor();
    report_cache();
    report_speed(*flags);
    report_advice(*flags);
  });
}

}  // namespace endorm
