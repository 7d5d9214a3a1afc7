#pragma once

#include <memory>
#include <string>

#include "engine/accelerator/accelerator.h"
#include "engine/llama/llama_engine.h"

namespace endorm {

// The options with the precision that can be had: where layers go to a GPU, its kernels compute.
LlamaEngineOptions with_precision(LlamaEngineOptions options);

// The accelerator of one model, its product type chosen; nullptr for Precision::kNative.
std::unique_ptr<Accelerator> make_accelerator(const LlamaEngineOptions& options);

// What the numbers depend on: precision and product type.
std::string accelerator_name(const Accelerator* accelerator);

AcceleratorInfo describe_accelerator(const Accelerator* accelerator, const LlamaEngineOptions& options);

}  // namespace endorm
