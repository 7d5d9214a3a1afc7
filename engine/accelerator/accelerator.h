#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/log_sum_exp.h"
#include "engine/accelerator/accelerator_report.h"
#include "engine/accelerator/products.h"
#include "engine/precision.h"

struct ggml_tensor;

namespace endorm {

struct AcceleratorOptions {
  // What changes the numbers.
  Precision precision = Precision::kExact;    // kExact or kFast
  ProductType wide_type = ProductType::kF32;  // for weights that bf16 does not lose anything of against ggml
  std::string choice;                         // why it is this type; for people
  // What changes only speed and memory.
  int threads = 1;
  std::size_t packed_bytes_limit = SIZE_MAX;  // weights beyond it stay with ggml
};

// Which numbers a pass through the model is to give instead of rows of logits.
struct HeadRequest {
  std::size_t vocabulary = 0;  // columns that count; those behind them are padding
  std::vector<double> alphas = {1.0};
  std::vector<std::vector<std::int32_t>> targets;  // [rows] the columns whose logits are wanted, of each row
  std::size_t likeliest = 0;                       // how many of the largest logits of each row
};
struct HeadResult {
  std::vector<std::vector<RowStatistics>> rows;      // [rows][alphas]
  std::vector<std::vector<float>> logits;            // [rows] of HeadRequest::targets
  std::vector<std::vector<LargestLogit>> likeliest;  // [rows], where asked for
};

// What one model has on our side of ggml: its packed weights, how to multiply with them, and what a pass is asked for.
// Not thread-safe: one caller at a time. Must outlive the contexts made while it was in use.
class Accelerator {
 public:
  // products: nullptr where they stay ggml's own.
  Accelerator(AcceleratorOptions options, std::unique_ptr<Products> products);
  ~Accelerator();
  Accelerator(const Accelerator&) = delete;
  Accelerator& operator=(const Accelerator&) = delete;

  // While one lives, graphs that this thread builds and computes go to the accelerator.
  class Use {
   public:
    explicit Use(Accelerator* accelerator);  // nullptr: none
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    Accelerator* before_;
  };
  static Accelerator* in_use();  // on this thread; nullptr: none

  const AcceleratorOptions& options() const { return options_; }
  Products* products() const { return products_.get(); }
  const AcceleratorReport& report() const { return report_; }
  AcceleratorProfile& profile() { return report_.profile; }

  // The type in which products with this weight are computed.
  ProductType type_for(const ggml_tensor& weight) const;
  // The packed rows [first, first + rows) of a weight [N,K] (ggml: ne[0] = K), packed at first use; the model file's
  // own pages of them are given back then, and read again if need be. nullptr where the limit leaves no room.
  const PackedMatrix* packed(const ggml_tensor& weight, std::size_t first, std::size_t rows);

  // What the next pass is asked for; taken by the pass that answers it.
  std::optional<HeadRequest> request;
  std::optional<HeadResult> result;
  // Passes are given up before they begin: libllama has then reserved what it needs for one.
  bool reserving = false;
  // Why a pass failed: errors do not travel through ggml.
  std::exception_ptr failure;

 private:
  AcceleratorOptions options_;
  std::unique_ptr<Products> products_;
  std::unordered_map<const void*, std::unique_ptr<PackedMatrix>> packed_;  // by the address of their first row
  AcceleratorReport report_;
};

// Registers our device with ggml, once a process. It is of the kind ACCEL: every context gets a backend of it, which
// takes whole graphs while an Accelerator is in use on the thread (Accelerator::Use), and nothing otherwise.
void register_accelerator_device();

}  // namespace endorm
