// How fast are all response tokens of a workload scored, against libllama with all logits and a scalar softmax, and
// against what this processor can multiply? Equality first, then time; the two take turns, so that a busy neighbour
// slows both. Tokens a second count the tokens that were asked for: sharing is the point.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

#include "bench/bench_model.h"
#include "bench/peak_flops.h"
#include "bench/rival_libllama.h"
#include "bench/workload.h"
#include "core/errors.h"
#include "engine/llama_engine.h"

namespace endorm {
namespace {

constexpr std::size_t kLongest = 1024;  // sequences of the workloads are shorter

struct Arguments {
  std::string model;
  std::string type = "bf16";
  std::string folder;  // for the model in its type, the workloads and the result
  int rounds = 5;
  std::size_t texts = 4;
  int threads = static_cast<int>(std::thread::hardware_concurrency());
  std::size_t wave = LlamaEngineOptions{}.wave_tokens;
  std::size_t batch = LlamaEngineOptions{}.batch_tokens;
  std::size_t row_bytes = LlamaEngineOptions{}.row_bytes;
};

Arguments read_arguments(int count, char** values) {
  Arguments arguments;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string name = values[i];
    const std::string value = values[i + 1];
    if (name == "--model") {
      arguments.model = value;
    } else if (name == "--type") {
      arguments.type = value;
    } else if (name == "--folder") {
      arguments.folder = value;
    } else if (name == "--rounds") {
      arguments.rounds = std::stoi(value);
    } else if (name == "--texts") {
      arguments.texts = std::stoul(value);
    } else if (name == "--threads") {
      arguments.threads = std::stoi(value);
    } else if (name == "--wave") {
      arguments.wave = std::stoul(value);
    } else if (name == "--batch") {
      arguments.batch = std::stoul(value);
    } else if (name == "--row-mib") {
      arguments.row_bytes = std::stoul(value) << 20;
    } else {
      throw InvalidInput("[scoring_speed] unknown argument " + name);
    }
  }
  if (arguments.model.empty() || arguments.folder.empty()) {
    throw InvalidInput(
        "usage: scoring_speed --model GGUF --folder DIR [--type bf16] [--rounds N] [--texts N] [--threads N] "
        "[--wave N] [--batch N] [--row-mib N]");
  }
  return arguments;
}

template <typename Work>
double seconds(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// The fastest of the rival's settings on this workload.
LibllamaRival::Setting best_setting(const std::string& model, const Arguments& arguments, const Workload& workload) {
  LibllamaRival::Setting best;
  double fastest = 1e30;
  for (const LibllamaRival::Setting setting :
       {LibllamaRival::Setting{512, true}, LibllamaRival::Setting{512, false}, LibllamaRival::Setting{1024, true}}) {
    LibllamaRival rival(model, arguments.threads, kLongest, setting);
    Workload first{workload.name, {workload.prompts[0]}};
    first.prompts[0].responses.resize(1);
    rival.log_probs(first);
    const double took = std::min(seconds([&] { rival.log_probs(first); }), seconds([&] { rival.log_probs(first); }));
    if (took < fastest) {
      fastest = took;
      best = setting;
    }
  }
  return best;
}

struct Difference {
  double worst = 0.0;
  double mean = 0.0;
};

Difference difference(const std::vector<double>& ours, const std::vector<double>& theirs) {
  Difference found;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    found.worst = std::max(found.worst, std::abs(ours[i] - theirs[i]));
    found.mean += std::abs(ours[i] - theirs[i]) / static_cast<double>(ours.size());
  }
  return found;
}

nlohmann::json measure(LlamaEngine& engine, const std::string& model, const Arguments& arguments,
                       const Workload& workload) {
  const LibllamaRival::Setting setting = best_setting(model, arguments, workload);
  LibllamaRival rival(model, arguments.threads, kLongest, setting);
  const std::vector<double> theirs = rival.log_probs(workload);
  const std::size_t computed_before = engine.counts().tokens_computed;
  const std::vector<double> ours = endorm_log_probs(engine, workload, true);
  const std::size_t computed = engine.counts().tokens_computed - computed_before;
  const Difference gap = difference(ours, theirs);
  // 16-bit weights and cache: batches of another shape add up in another order. f32 shows that nothing else differs.
  const double allowed = arguments.type == "f32" ? 2e-2 : 0.5;
  const double allowed_mean = arguments.type == "f32" ? 1e-3 : 0.03;
  if (!(gap.worst <= allowed && gap.mean <= allowed_mean)) {
    throw InternalError("[scoring_speed] log-probs differ from libllama's by " + std::to_string(gap.worst) +
                        " at worst, " + std::to_string(gap.mean) + " in the mean");
  }
  std::vector<double> our_times;
  std::vector<double> their_times;
  std::vector<double> ratios;
  for (int round = 0; round < arguments.rounds; ++round) {
    their_times.push_back(seconds([&] { rival.log_probs(workload); }));
    our_times.push_back(seconds([&] { endorm_log_probs(engine, workload, true); }));
    ratios.push_back(their_times.back() / our_times.back());
  }
  const auto asked = static_cast<double>(workload.tokens_asked());
  // The peak now, not in a quieter minute.
  const double peak_f32 = peak_f32_gflops(arguments.threads);
  const double peak = std::max(peak_f32, peak_bf16_gflops(arguments.threads).value_or(0.0));
  const double flops_a_token = 2.0 * static_cast<double>(engine.model_info().parameters);
  const double bound = peak * 1e9 / flops_a_token * asked / static_cast<double>(computed);
  const double rate = asked / median(our_times);
  std::printf("\n%s: %zu tokens asked, %zu computed by EndoRM\n", workload.name.c_str(), workload.tokens_asked(),
              computed);
  std::printf("  equality: |delta log-prob| <= %.2g, mean %.2g\n", gap.worst, gap.mean);
  std::printf("  %-44s %9.0f tokens/s\n", "EndoRM", rate);
  std::printf("  %-44s %9.0f tokens/s   (ubatch %zu, flash attention %s)\n", "libllama, all logits, scalar softmax",
              asked / median(their_times), setting.ubatch, setting.flash_attention ? "on" : "off");
  std::printf("  %-44s %9.2f times    (%.2f to %.2f over %d rounds)\n", "EndoRM against libllama", median(ratios),
              *std::min_element(ratios.begin(), ratios.end()), *std::max_element(ratios.begin(), ratios.end()),
              arguments.rounds);
  std::printf("  %-44s %9.0f tokens/s   (peak now: f32 %.0f, best type %.0f GFLOP/s; %.0f MFLOP a token)\n",
              "bound: matrix products alone at peak", bound, peak_f32, peak, flops_a_token * 1e-6);
  std::printf("  %-44s %9.1f %%\n", "EndoRM of the bound", 100.0 * rate / bound);
  std::fflush(stdout);
  return {{"workload", workload.name},
          {"tokens_asked", workload.tokens_asked()},
          {"tokens_computed", computed},
          {"worst_log_prob_difference", gap.worst},
          {"endorm_seconds", our_times},
          {"libllama_seconds", their_times},
          {"ratio_to_libllama", median(ratios)},
          {"bound_tokens_per_second", bound},
          {"log_probs", ours}};
}

int run(int count, char** values) {
  const Arguments arguments = read_arguments(count, values);
  const std::string model = arguments.folder + "/model-" + arguments.type + ".gguf";
  write_model_in(arguments.type, arguments.model, model);
  LlamaEngineOptions options;
  options.model_path = model;
  options.template_source = TemplateSource::kRaw;
  options.threads = arguments.threads;
  options.hash_model = false;
  options.wave_tokens = arguments.wave;
  options.batch_tokens = arguments.batch;
  options.row_bytes = arguments.row_bytes;
  const std::unique_ptr<LlamaEngine> engine = make_llama_engine(options);
  const std::string root = ENDORM_SOURCE_DIR;
  const std::vector<Workload> workloads =
      make_workloads(*engine, {root + "/docs/design.md", root + "/README.md", root + "/LICENSE"}, arguments.texts);
  write_workloads(workloads, arguments.folder + "/workloads.json");
  std::printf("%s, %s, %d threads\n%s\n", engine->model_info().description.c_str(), arguments.type.c_str(),
              arguments.threads, llama_system_info().c_str());
  nlohmann::json results = nlohmann::json::array();
  for (const Workload& workload : workloads) {
    results.push_back(measure(*engine, model, arguments, workload));
  }
  std::ofstream(arguments.folder + "/scoring_speed.json") << results.dump();
  return 0;
}

}  // namespace
}  // namespace endorm

int main(int count, char** values) {
  try {
    return endorm::run(count, values);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
