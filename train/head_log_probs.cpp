#include "train/head_log_probs.h"

#include <algorithm>

namespace endorm {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// log softmax of rows [begin, end), float [end - begin, V].
torch::Tensor log_softmax_of(const torch::Tensor& hidden, const torch::Tensor& head, std::int64_t begin,
                             std::int64_t end) {
  return torch::log_softmax(torch::mm(hidden.slice(0, begin, end), head.t()).to(torch::kFloat32), 1);
}

class HeadFunction : public torch::autograd::Function<HeadFunction> {
 public:
  static variable_list forward(AutogradContext* context, const torch::Tensor& hidden, const torch::Tensor& head,
                               const torch::Tensor& targets, std::int64_t chunk) {
    const std::int64_t rows = hidden.size(0);
    const auto options = hidden.options().dtype(torch::kFloat32);
    torch::Tensor log_prob = torch::empty({rows}, options);
    torch::Tensor entropy = torch::empty({rows}, options);
    for (std::int64_t begin = 0; begin < rows; begin += chunk) {
      const std::int64_t end = std::min(rows, begin + chunk);
      const torch::Tensor log_probs = log_softmax_of(hidden, head, begin, end);
      log_prob.slice(0, begin, end) = log_probs.gather(1, targets.slice(0, begin, end).unsqueeze(1)).squeeze(1);
      entropy.slice(0, begin, end) = -(log_probs.exp() * log_probs).sum(1);
    }
    context->save_for_backward({hidden, head, targets, entropy});
    context->saved_data["chunk"] = chunk;
    return {log_prob, entropy};
  }

  // With p the row's softmax and H its entropy: d log p_t / d logits = onehot(t) - p, dH / d logits = -p (log p + H).
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const torch::Tensor& hidden = saved[0];
    const torch::Tensor& head = saved[1];
    const torch::Tensor& targets = saved[2];
    const torch::Tensor& entropy = saved[3];
    const std::int64_t chunk = context->saved_data["chunk"].toInt();
    const std::int64_t rows = hidden.size(0);
    const bool head_learns = context->needs_input_grad(1);
    torch::Tensor hidden_gradient = torch::empty_like(hidden);
    torch::Tensor head_gradient = head_learns ? torch::zeros_like(head) : torch::Tensor();
    for (std::int64_t begin = 0; begin < rows; begin += chunk) {
      const std::int64_t end = std::min(rows, begin + chunk);
      const torch::Tensor log_probs = log_softmax_of(hidden, head, begin, end);
      const torch::Tensor probs = log_probs.exp();
      torch::Tensor logit_gradient = torch::zeros_like(probs);
      if (gradients[0].defined()) {
        const torch::Tensor of_target = gradients[0].slice(0, begin, end).unsqueeze(1);
        logit_gradient.sub_(probs * of_target);
        logit_gradient.scatter_add_(1, targets.slice(0, begin, end).unsqueeze(1), of_target);
      }
      if (gradients[1].defined()) {
        const torch::Tensor of_entropy = gradients[1].slice(0, begin, end).unsqueeze(1);
        logit_gradient.sub_(of_entropy * probs * (log_probs + entropy.slice(0, begin, end).unsqueeze(1)));
      }
      logit_gradient = logit_gradient.to(head.scalar_type());
      hidden_gradient.slice(0, begin, end) = torch::mm(logit_gradient, head);
      if (head_learns) {
        head_gradient.addmm_(logit_gradient.t(), hidden.slice(0, begin, end));
      }
    }
    return {hidden_gradient, head_gradient, torch::Tensor(), torch::Tensor()};
  }
};

}  // namespace

HeadLogProbs head_log_probs(const torch::Tensor& hidden, const torch::Tensor& head, const torch::Tensor& targets,
                            std::size_t chunk_rows) {
  const variable_list outputs =
      HeadFunction::apply(hidden, head, targets, static_cast<std::int64_t>(std::max<std::size_t>(1, chunk_rows)));
  return {outputs[0], outputs[1]};
}

}  // namespace endorm
