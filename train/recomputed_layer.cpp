#include "train/recomputed_layer.h"

#include <memory>
#include <utility>

namespace endorm {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using Compute = std::function<torch::Tensor(const torch::Tensor&)>;

struct HeldCompute : torch::CustomClassHolder {
  explicit HeldCompute(Compute given) : compute(std::move(given)) {}
  Compute compute;
};

class Recomputed : public torch::autograd::Function<Recomputed> {
 public:
  // `learns` asks for a gradient, so that the backward pass runs also where the input needs none (frozen embeddings).
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& input, const torch::Tensor& /*learns*/,
                               const c10::intrusive_ptr<HeldCompute>& held) {
    context->save_for_backward({input});
    context->saved_data["compute"] = torch::IValue::make_capsule(held);
    return held->compute(input);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto held = c10::static_intrusive_pointer_cast<HeldCompute>(context->saved_data["compute"].toCapsule());
    torch::AutoGradMode with_gradients(true);
    const torch::Tensor input = context->get_saved_variables()[0].detach().requires_grad_(true);
    const torch::Tensor output = held->compute(input);
    torch::autograd::backward({output}, {gradients[0]});
    return {input.grad(), torch::Tensor(), torch::Tensor()};
  }
};

}  // namespace

torch::Tensor recomputed(const torch::Tensor& input, Compute compute) {
  const torch::Tensor learns = torch::zeros({}, torch::kFloat32).requires_grad_(true);
  return Recomputed::apply(input, learns, c10::make_intrusive<HeldCompute>(std::move(compute)));
}

}  // namespace endorm
