#include "train/head_log_probs.h"

#include <algorithm>
#include <limits>

#include <ATen/Parallel.h>

#include "core/errors.h"
#include "core/log_sum_exp.h"

namespace endorm {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Logits of rows [begin, end), float [end - begin, V].
torch::Tensor logits_of(const torch::Tensor& hidden, const torch::Tensor& head, std::int64_t begin, std::int64_t end) {
  return torch::mm(hidden.slice(0, begin, end), head.t()).to(torch::kFloat32);
}

class HeadFunction : public torch::autograd::Function<HeadFunction> {
 public:
  static variable_list forward(AutogradContext* context, const torch::Tensor& hidden, const torch::Tensor& head,
                               const torch::Tensor& targets, std::int64_t chunk) {
    const std::int64_t rows = hidden.size(0);
    const auto options = hidden.options().dtype(torch::kFloat32);
    torch::Tensor log_prob = torch::empty({rows}, options);
    torch::Tensor log_sum_exp = torch::empty({rows}, options);
    torch::Tensor entropy = torch::empty({rows}, options);
    for (std::int64_t begin = 0; begin < rows; begin += chunk) {
      const std::int64_t end = std::min(rows, begin + chunk);
      const torch::Tensor logits = logits_of(hidden, head, begin, end);
      const RowReadings readings = read_rows(logits);
      log_sum_exp.slice(0, begin, end) = readings.log_sum_exp;
      entropy.slice(0, begin, end) = readings.entropy;
      log_prob.slice(0, begin, end) = logits.gather(1, targets.slice(0, begin, end).unsqueeze(1)).squeeze(1);
    }
    log_prob.sub_(log_sum_exp);
    context->save_for_backward({hidden, head, targets, log_sum_exp, entropy});
    context->saved_data["chunk"] = chunk;
    context->set_materialize_grads(false);  // an entropy that no loss reads has no gradient, rather than one of zeros
    return {log_prob, entropy};
  }

  // With p the row's softmax and H its entropy: d log p_t / d logits = onehot(t) - p, dH / d logits = -p (log p + H).
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const torch::Tensor& hidden = saved[0];
    const torch::Tensor& head = saved[1];
    const torch::Tensor& targets = saved[2];
    const std::int64_t chunk = context->saved_data["chunk"].toInt();
    const std::int64_t rows = hidden.size(0);
    const bool head_learns = context->needs_input_grad(1);
    torch::Tensor hidden_gradient = torch::empty_like(hidden);
    torch::Tensor head_gradient = head_learns ? torch::zeros_like(head) : torch::Tensor();
    for (std::int64_t begin = 0; begin < rows; begin += chunk) {
      const std::int64_t end = std::min(rows, begin + chunk);
      const auto column = [&](const torch::Tensor& of_rows) { return of_rows.slice(0, begin, end).unsqueeze(1); };
      torch::Tensor logits = logits_of(hidden, head, begin, end).sub_(column(saved[3]));  // log p from here on
      torch::Tensor weight;                                                               // what p is multiplied by
      if (gradients[1].defined()) {
        weight = (logits + column(saved[4])).mul_(column(gradients[1]));
      }
      if (gradients[0].defined()) {
        weight = weight.defined() ? weight.add_(column(gradients[0])) : column(gradients[0]);
      }
      torch::Tensor logit_gradient = logits.exp_().mul_(-weight);
      if (gradients[0].defined()) {
        logit_gradient.scatter_add_(1, column(targets), column(gradients[0]));
      }
      logit_gradient = logit_gradient.to(head.scalar_type());
      torch::Tensor rows_gradient = hidden_gradient.slice(0, begin, end);
      torch::mm_out(rows_gradient, logit_gradient, head);
      if (head_learns) {
        head_gradient.addmm_(logit_gradient.t(), hidden.slice(0, begin, end));
      }
    }
    return {hidden_gradient, head_gradient, torch::Tensor(), torch::Tensor()};
  }
};

RowReadings read_rows_on_processor(const torch::Tensor& logits) {
  const std::int64_t rows = logits.size(0);
  const std::int64_t columns = logits.size(1);
  RowReadings readings{torch::empty({rows}, torch::kFloat32), torch::empty({rows}, torch::kFloat32)};
  const float* const values = logits.const_data_ptr<float>();
  float* const sums = readings.log_sum_exp.data_ptr<float>();
  float* const entropies = readings.entropy.data_ptr<float>();
  at::parallel_for(0, rows, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      try {
        const RowStatistics found = row_statistics({values + row * columns, static_cast<std::size_t>(columns)});
        sums[row] = static_cast<float>(found.log_sum_exp);
        entropies[row] = static_cast<float>(found.entropy);
      } catch (const InvalidInput&) {
        sums[row] = entropies[row] = std::numeric_limits<float>::quiet_NaN();
      }
    }
  });
  return readings;
}

}  // namespace

HeadLogProbs head_log_probs(const torch::Tensor& hidden, const torch::Tensor& head, const torch::Tensor& targets,
                            std::size_t chunk_rows) {
  const variable_list outputs =
      HeadFunction::apply(hidden, head, targets, static_cast<std::int64_t>(std::max<std::size_t>(1, chunk_rows)));
  return {outputs[0], outputs[1]};
}

RowReadings read_rows(const torch::Tensor& logits) {
  return logits.is_cpu() ? read_rows_on_processor(logits) : read_rows_with_tensors(logits);
}

RowReadings read_rows_with_tensors(const torch::Tensor& logits) {
  const torch::Tensor values = logits.to(torch::kFloat64);
  const torch::Tensor log_sum_exp = values.logsumexp(1);
  // H = -sum p log p, with log p = value - log-sum-exp; a token that cannot come (log p = -inf) adds nothing.
  torch::Tensor log_p = values - log_sum_exp.unsqueeze(1);
  const torch::Tensor entropy = -(log_p.exp() * log_p.clamp_min_(std::numeric_limits<double>::lowest())).sum(1);
  return {log_sum_exp.to(torch::kFloat32), entropy.to(torch::kFloat32)};
}

}  // namespace endorm
