#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/accelerator/accelerator.h"
#include "engine/accelerator/activations.h"
#include "engine/accelerator/attention.h"

struct ggml_backend;
struct ggml_cgraph;

namespace endorm {

// Adds the seconds of its life to a part of the profile.
class Timed {
 public:
  explicit Timed(double& seconds) : seconds_(seconds), start_(std::chrono::steady_clock::now()) {}
  ~Timed() { seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

 private:
  double& seconds_;
  std::chrono::steady_clock::time_point start_;
};

inline std::size_t size(std::int64_t value) { return static_cast<std::size_t>(value); }

// Computes the graphs of one context: products with weights, attention and the head by our kernels, the nodes between
// them by ggml's own processor backend.
class GraphRunner {
 public:
  explicit GraphRunner(Accelerator* accelerator);  // nullptr: never given a graph
  ~GraphRunner();
  GraphRunner(const GraphRunner&) = delete;
  GraphRunner& operator=(const GraphRunner&) = delete;

  // False on failure; the reason is in Accelerator::failure.
  bool compute(ggml_cgraph* graph);
  void set_threads(int threads);
  // The logits that the last graph left unwritten because statistics were asked for; nullptr: none.
  const ggml_tensor* unwritten_logits() const { return unwritten_logits_; }

 private:
  void run(ggml_cgraph* graph);
  void leave_to_ggml(ggml_cgraph* graph, int first, int last);
  int compute_at(const ggml_cgraph& graph, int i);
  bool read_head(std::span<ggml_tensor* const> nodes);
  bool multiply(const ggml_tensor& node);
  bool multiply_experts(const ggml_tensor& node);
  static bool is_gelu(const ggml_tensor& node);
  bool activate(const ggml_tensor& node);
  bool normalize(const ggml_cgraph& graph, int i);
  bool rotate(const ggml_tensor& node);
  bool attend(const ggml_tensor& node);
  static bool is_rounding_unread(const ggml_cgraph& graph, int i);
  const AttentionMask& mask_of(const ggml_tensor& node);
  const Operand& operand(const ggml_tensor& activations, ProductType type);

  Accelerator* accelerator_;
  ggml_backend* processor_;
  const ggml_tensor* unwritten_logits_ = nullptr;
  const ggml_tensor* operand_of_ = nullptr;  // what operand_ was converted from, within one graph
  Operand operand_;
  Operand expert_operand_;
  std::vector<float> gathered_;
  std::vector<float> expert_out_;
  std::vector<float> tile_;
  AttentionScratch attention_scratch_;
  // Read once a graph, used by all its layers.
  std::vector<std::pair<const ggml_tensor*, std::unique_ptr<AttentionMask>>> masks_;
  std::vector<std::pair<const ggml_tensor*, std::unique_ptr<RotaryTable>>> rotary_tables_;  // by their positions
};

}  // namespace endorm
