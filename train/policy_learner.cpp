#include "train/policy_learner.h"

#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "core/errors.h"
#include "train/checkpoint.h"
#include "train/packed_batch.h"
#include "train/policy_loss.h"
#include "train/training_data.h"

namespace endorm {
namespace {

// A chosen few of the rows of an array [B][T], one behind another.
torch::Tensor joined(const std::vector<std::vector<double>>& rows, std::span<const std::size_t> chosen,
                     torch::Device device) {
  std::vector<double> values;
  for (const std::size_t row : chosen) {
    values.insert(values.end(), rows[row].begin(), rows[row].end());
  }
  return torch::tensor(values, torch::kFloat64).to(device);
}

// Numbers [N] of a pass back into the rows of its responses.
void split_into(std::vector<std::vector<double>>& rows, std::span<const std::size_t> chosen,
                const torch::Tensor& values, const PackedBatch& batch) {
  const torch::Tensor flat = values.detach().to(torch::kFloat64).to(torch::kCPU).contiguous();
  const double* begin = flat.const_data_ptr<double>();
  for (std::size_t place = 0; place < chosen.size(); ++place) {
    rows[chosen[place]].assign(begin + batch.target_begins[place], begin + batch.target_begins[place + 1]);
  }
}

NamedTensors make_critic(const Decoder& decoder) {
  const auto width = static_cast<std::int64_t>(decoder.shape().width);
  NamedTensors critic;
  critic["value_head.bias"] = torch::zeros({1}, decoder.device());
  critic["value_head.weight"] = torch::zeros({width}, decoder.device());
  for (auto& [name, tensor] : critic) {
    tensor.requires_grad_(true);
  }
  return critic;
}

constexpr double PolicyUpdate::*kUpdateNumbers[] = {&PolicyUpdate::loss, &PolicyUpdate::gradient_norm,
                                                    &PolicyUpdate::clip_fraction, &PolicyUpdate::approximate_kl,
                                                    &PolicyUpdate::value_loss};

}  // namespace

PolicyLearner::PolicyLearner(Decoder& decoder, const RlOptions& options)
    : decoder_(decoder),
      options_(options),
      critic_(options.advantage.algorithm == Algorithm::kPpo ? make_critic(decoder) : NamedTensors()),
      learning_(learning_with_critic()),
      optimizer_(learning_, {.weight_decay = options.run.weight_decay, .clip_norm = options.run.clip_norm}) {}

NamedTensors PolicyLearner::learning_with_critic() {
  NamedTensors all = decoder_.begin_learning();
  all.insert(critic_.begin(), critic_.end());
  return all;
}

// [M] values of the states before each target.
torch::Tensor PolicyLearner::values(const torch::Tensor& hidden, const PackedBatch& batch) const {
  return hidden.index_select(0, batch.rows).matmul(critic_.at("value_head.weight")) + critic_.at("value_head.bias");
}

PolicyReading PolicyLearner::read(std::span<const TrainingSequence> responses) const {
  torch::NoGradGuard no_gradients;
  PolicyReading reading;
  reading.log_prob.resize(responses.size());
  reading.values.resize(critic_.empty() ? 0 : responses.size());
  std::size_t tokens = 0;
  for (const SequenceRange range : passes_of(responses, options_.run.pass_tokens)) {
    const PackedBatch batch = pack(range.of(responses), decoder_.device());
    std::vector<std::size_t> chosen(range.end - range.begin);
    std::iota(chosen.begin(), chosen.end(), range.begin);
    const torch::Tensor hidden = decoder_.hidden(batch);
    const HeadLogProbs head = decoder_.read_out(hidden, batch);
    split_into(reading.log_prob, chosen, head.log_prob, batch);
    if (!critic_.empty()) {
      split_into(reading.values, chosen, values(hidden, batch), batch);
    }
    reading.entropy += head.entropy.to(torch::kFloat64).sum().item<double>();
    tokens += batch.target_begins.back();
  }
  reading.entropy /= static_cast<double>(tokens);
  return reading;
}

// The minibatch `some`, in an order that lets its passes share prompts: gradients of its passes add up to those of its
// loss, then the optimizer moves.
PolicyUpdate PolicyLearner::optimizer_step(std::span<const TrainingSequence> responses, const PolicyTargets& targets,
                                           std::span<const std::size_t> some, double learning_rate,
                                           PolicyReading& reading) {
  const std::vector<std::size_t> chosen = by_prompt(some, responses);
  std::vector<TrainingSequence> sequences;
  std::vector<std::size_t> lengths;
  for (const std::size_t index : chosen) {
    sequences.push_back(responses[index]);
    lengths.push_back(responses[index].targets());
  }
  const torch::Tensor weights =
      torch::tensor(token_weights(lengths, options_.update.average), torch::kFloat64).to(decoder_.device());
  PolicyUpdate done;
  std::int64_t first = 0;  // token of the minibatch
  optimizer_.clear_gradients();
  for (const SequenceRange range : passes_of(sequences, options_.run.pass_tokens)) {
    const std::span<const std::size_t> own = range.of(std::span<const std::size_t>(chosen));
    const PackedBatch batch = pack(range.of(std::span<const TrainingSequence>(sequences)), decoder_.device());
    const auto tokens = static_cast<std::int64_t>(batch.target_begins.back());
    const auto chosen_of = [&](const std::vector<std::vector<double>>& rows) {
      return joined(rows, own, decoder_.device());
    };
    const torch::Tensor hidden = decoder_.hidden(batch);
    const HeadLogProbs head = decoder_.read_out(hidden, batch);
    PolicyTokens policy{.log_prob = head.log_prob.to(torch::kFloat64),
                        .advantage = chosen_of(targets.advantage),
                        .weight = weights.slice(0, first, first + tokens)};
    policy.old_log_prob = targets.old_log_prob.empty() ? policy.log_prob.detach() : chosen_of(targets.old_log_prob);
    if (options_.loss.kl_coefficient > 0.0) {
      policy.reference_log_prob = chosen_of(targets.reference_log_prob);
    }
    if (options_.loss.entropy_coefficient > 0.0) {
      policy.entropy = head.entropy.to(torch::kFloat64);
    }
    const PolicyLoss loss = policy_loss(policy, options_.loss);
    torch::Tensor total = loss.loss;
    if (!critic_.empty()) {
      const torch::Tensor value = value_loss(values(hidden, batch).to(torch::kFloat64), chosen_of(targets.old_values),
                                             chosen_of(targets.returns), policy.weight);
      total = total + kValueCoefficient * value;
      done.value_loss += value.item<double>();
    }
    total.backward();
    done.loss += total.item<double>();
    done.clip_fraction += loss.clip_fraction;
    done.approximate_kl += loss.approximate_kl;
    split_into(reading.log_prob, own, head.log_prob, batch);
    reading.entropy += head.entropy.detach().to(torch::kFloat64).sum().item<double>();
    first += tokens;
  }
  if (!std::isfinite(done.loss)) {
    throw EngineError("[rl] the loss is not finite; a smaller update.learning_rate may help");
  }
  done.gradient_norm = optimizer_.step(learning_rate);
  return done;
}

PolicyUpdate PolicyLearner::update(std::span<const TrainingSequence> responses, const PolicyTargets& targets,
                                   double learning_rate, std::uint64_t seed) {
  const UpdateOptions& options = options_.update;
  PolicyUpdate sum;
  std::size_t steps = 0;
  for (std::size_t epoch = 0; epoch < options.epochs; ++epoch) {
    const std::vector<std::size_t> order = epoch_order(responses.size(), seed, epoch);
    PolicyReading reading;
    reading.log_prob.resize(responses.size());
    for (std::size_t part = 0; part < options.minibatches; ++part) {
      const std::size_t begin = responses.size() * part / options.minibatches;
      const std::size_t end = responses.size() * (part + 1) / options.minibatches;
      if (begin == end) {
        continue;
      }
      const PolicyUpdate done =
          optimizer_step(responses, targets, std::span(order).subspan(begin, end - begin), learning_rate, reading);
      for (const auto number : kUpdateNumbers) {
        sum.*number += done.*number;
      }
      ++steps;
    }
    if (epoch == 0) {
      sum.reading = std::move(reading);
    }
  }
  for (const auto number : kUpdateNumbers) {
    sum.*number /= static_cast<double>(steps);
  }
  std::size_t tokens = 0;
  for (const std::vector<double>& row : sum.reading.log_prob) {
    tokens += row.size();
  }
  sum.reading.entropy /= static_cast<double>(tokens);
  return sum;
}

void PolicyLearner::save(const std::string& path, const std::string& fingerprint, std::size_t step) const {
  save_checkpoint(path, fingerprint, step, learning_, optimizer_);
}

std::size_t PolicyLearner::resume(const std::string& path, const std::string& fingerprint) {
  return load_checkpoint(path, fingerprint, learning_, optimizer_);
}

}  // namespace endorm
