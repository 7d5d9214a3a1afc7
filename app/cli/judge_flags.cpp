#include "app/cli/judge_flags.h"

#include <CLI/CLI.hpp>

namespace endorm {

void add_judge_flags(CLI::App& command, JudgeSettings& flags) {
  constexpr const char* kJudge = "Judges";
  command
      .add_option("--contrast", flags.contrast_file,
                  "contrast: a JSON array of alternative system messages, for what brings none of its own")
      ->group(kJudge);
  command.add_option("--reference", flags.reference, "log-ratio: the model whose reward is taken away, as --model")
      ->group(kJudge);
  command
      .add_option("--reference-template", flags.reference_template,
                  "log-ratio: as --template, where the reference model needs another one")
      ->group(kJudge);
  command.add_option("--head", flags.head_file, "head: a safetensors or GGUF file with a trained reward head")
      ->group(kJudge);
  command.add_option("--server", flags.server_url, "server: URL of a reward server, or several with commas between")
      ->group(kJudge);
  command.add_option("--server-shape", flags.server_shape, "server: how it is asked, classify or get_reward")
      ->check(CLI::IsMember({"classify", "get_reward"}))
      ->capture_default_str()
      ->group(kJudge);
  command.add_option("--server-model", flags.server_model, "server: the model it is to use")->group(kJudge);
  command.add_option("--judge-seed", flags.seed, "of random, and of what judges draw")
      ->capture_default_str()
      ->group(kJudge);
  command
      .add_option("--max-reply-tokens", flags.max_reply_tokens,
                  "tokens that a judge may write (default: what the verdict needs)")
      ->group(kJudge);
}

void add_bootstrap_flags(CLI::App& command, std::size_t& resamples, std::uint64_t& seed) {
  constexpr const char* kFigures = "Figures";
  command.add_option("--resamples", resamples, "of the bootstrap; 0: no intervals")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str()
      ->group(kFigures);
  command.add_option("--bootstrap-seed", seed)->capture_default_str()->group(kFigures);
}

void add_statistics_cache_flags(CLI::App& command, std::string& path, bool& none) {
  constexpr const char* kOutput = "Output";
  command
      .add_option("--cache", path,
                  "file of token statistics (default: statistics.db in the cache directory that doctor names)")
      ->group(kOutput);
  command.add_flag("--no-cache", none, "keep no token statistics")->group(kOutput);
}

}  // namespace endorm
