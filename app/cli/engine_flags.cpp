#include "app/cli/engine_flags.h"

#include <CLI/CLI.hpp>

namespace endorm {

void add_engine_flags(CLI::App& command, EngineSettings& flags) {
  constexpr const char* kModel = "Model";
  command.add_option("-m,--model", flags.model, "GGUF file, a name that `endorm models` lists, or hf:ORG/REPO[:QUANT]")
      ->capture_default_str()
      ->group(kModel);
  command
      .add_option(
          "--template", flags.prompt_template,
          "model (the chat template in the file), plain (question and answer, for base models), raw (text as it is, "
          "already templated), or a file with a jinja template")
      ->capture_default_str()
      ->group(kModel);
  command.add_option("--lora", flags.adapters, "LoRA adapter in GGUF, FILE or FILE:SCALE; may be repeated")
      ->group(kModel);
  command.add_option("-c,--context", flags.context, "longest sequence in tokens (default: the model's own limit)")
      ->group(kModel);
  command.add_option("--kv-type", flags.cache_type, "number format of the key-value cache")
      ->check(CLI::IsMember({"f32", "f16", "bf16", "q8_0"}))
      ->capture_default_str()
      ->group(kModel);
  command
      .add_option("--precision", flags.precision,
                  "of matrix products: exact (the fastest type that loses nothing against llama.cpp), fast (int8), "
                  "native (llama.cpp's own kernels)")
      ->check(CLI::IsMember({"exact", "fast", "native"}))
      ->capture_default_str()
      ->group(kModel);
  command.add_option("--flash-attention", flags.flash_attention, "attention kernel")
      ->check(CLI::IsMember({"auto", "on", "off"}))
      ->capture_default_str()
      ->group(kModel);
  command
      .add_option(
          "--statistics", flags.statistics,
          "where log-sum-exp and entropy are computed: host (sums in double), device (beside the logits, which "
          "then never leave a GPU; falls back to host where a self-test finds a difference), auto (device where "
          "the model's last layer is on a GPU)")
      ->check(CLI::IsMember({"auto", "host", "device"}))
      ->capture_default_str()
      ->group(kModel);
  command.add_flag("--offline", flags.offline, "never download a model")->group(kModel);

  constexpr const char* kSpeed = "Speed and memory";
  command.add_option("-t,--threads", flags.threads, "threads (default: all cores)")
      ->check(CLI::Range(0, 4096))
      ->group(kSpeed);
  command.add_option("--gpu-layers", flags.gpu_layers, "layers on a GPU where the build has one (default: all)")
      ->group(kSpeed);
  command
      .add_option("--packed-memory", flags.packed_megabytes,
                  "megabytes for weights in the layout of fast products (default: half of what is free); what does not "
                  "fit is left to llama.cpp's kernels")
      ->group(kSpeed);
  command.add_option("--wave-tokens", flags.wave_tokens, "tokens computed together behind a shared prefix")
      ->group(kSpeed);
  command.add_option("--batch-tokens", flags.batch_tokens, "tokens in one pass through the model")->group(kSpeed);
  command
      .add_flag("--no-model-hash", flags.no_model_hash, "do not hash the model file (the manifest then has no sha256)")
      ->group(kSpeed);

  constexpr const char* kRemote = "Remote model";
  command
      .add_option("--remote", flags.remote_url,
                  "URL of an OpenAI-compatible server to ask instead of a local model; "
                  "--model is then the server's name for it, and $ENDORM_API_KEY its key")
      ->group(kRemote);
  command.add_option("--remote-dialect", flags.remote_dialect, "what kind of server it is")
      ->check(CLI::IsMember({"vllm", "sglang", "llama_server"}))
      ->capture_default_str()
      ->group(kRemote);
  command
      .add_option("--remote-end-of-turn", flags.remote_end_of_turn,
                  "text of the token that ends a turn, for servers that do not say (sglang)")
      ->group(kRemote);
}

}  // namespace endorm
