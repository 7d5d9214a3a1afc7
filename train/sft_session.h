#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/messages.h"
#include "train/new_model_file.h"
#include "train/sft.h"

namespace endorm {

class Engine;

// A whole run of `endorm sft`: data to an exported model, in a directory that holds run.jsonl (one line a step),
// the same for TensorBoard, checkpoint, and at the end model.gguf, or adapter.gguf and PEFT's adapter/ where adapters
// learnt.
struct SftSession {
  // What changes the weights.
  std::string model_path;                 // GGUF
  std::optional<NewModelFile> new_model;  // what model_path was made of, where it began from nothing
  std::string data_path;
  std::string held_out_path;  // records whose loss is measured, never learnt; empty: none
  TemplateOptions text;
  std::size_t max_tokens = 1024;
  bool every_turn = false;
  std::size_t epochs = 1;  // steps follow from it where steps is 0
  std::size_t steps = 0;
  std::size_t lora_rank = 0;  // 0: every weight learns
  double lora_alpha = 32.0;
  std::string device = "auto";   // "cpu", "cuda", or a GPU where there is one
  std::string compute = "auto";  // "f32", "bf16", or whichever is faster here
  SftOptions training;           // its schedule's steps are filled in

  // What changes only speed, memory and output.
  bool recompute_layers = false;
  std::string directory;
  std::string export_type = "f32";  // of matrices in model.gguf: f32, f16, bf16
  std::size_t checkpoint_every = 50;
  std::size_t held_out_every = 50;
};

// What a step did, and what the run is.
struct SftProgress {
  SftStep step;
  std::size_t steps = 0;  // of the whole run
  std::optional<double> held_out_loss;
  double tokens_per_second = 0.0;
};

struct SftOutcome {
  std::string exported;        // path
  std::size_t resumed_at = 0;  // steps that an earlier call had done
  std::size_t sequences = 0;
  std::vector<LeftOutLine> left_out;  // of the data, then of what is held out
  std::optional<double> held_out_loss;
  std::string compute;  // the type, and why
};

// Runs the session, or goes on where an earlier call was stopped: the same session in the same directory continues to
// the same bits. `engine` tokenizes; it is the model of model_path. Called after each step: `report`. Throws
// InvalidInput for what cannot be used, EngineError for the world's faults; the last checkpoint stays.
SftOutcome run_sft(const SftSession& session, const Engine& engine,
                   const std::function<void(const SftProgress&)>& report);

}  // namespace endorm
