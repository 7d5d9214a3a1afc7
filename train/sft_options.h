#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "engine/messages.h"
#include "train/new_model_file.h"
#include "train/training_options.h"

namespace endorm {

// A whole run of `endorm sft`.
struct SftOptions {
  TrainingOptions run;                    // steps: 0, where they follow from the epochs
  std::optional<NewModelFile> new_model;  // what the run's model was made of, where it began from nothing
  std::string data;                       // JSON lines: prompt and response, or messages
  TemplateOptions text;
  std::size_t max_tokens = 1024;  // longer sequences are left out, and said
  bool every_turn = false;
  std::size_t epochs = 1;
  std::size_t batch = 16;  // sequences a step, at least 1

  // What is watched.
  std::string held_out;  // records whose loss is measured, never learnt; empty: none
  std::size_t held_out_every = 50;
};

}  // namespace endorm
