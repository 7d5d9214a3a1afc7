#!/usr/bin/env bash
# The published recipe with verl as the trainer (keys of 0.9). verl's compute_score is not given the prompt: the data's
# extra_info must hold it ({"prompt": [messages]}); endorm.integrations.verl reads it from there and asks the server. The
# reward model is the policy as it was: the same weights, in GGUF. Start the server first, on the same or another host;
# verl's machines need the package's Python alone (pip install . -C wheel.cmake=false).
#   endorm serve --model Qwen2.5-Math-7B-f16.gguf --aggregation discounted --on-overflow truncate-left
set -euo pipefail
policy=${1:?usage: verl.sh POLICY_DIRECTORY TRAIN.parquet TEST.parquet [SERVER]}
train=${2:?} test=${3:?}
server=${4:-http://127.0.0.1:8000}

python3 -m verl.trainer.main_ppo \
  algorithm.adv_estimator=gae algorithm.gamma=1.0 algorithm.lam=0.95 \
  algorithm.use_kl_in_reward=True algorithm.kl_ctrl.kl_coef=0.01 \
  data.train_files="$train" data.val_files="$test" data.train_batch_size=128 \
  data.max_prompt_length=1024 data.max_response_length=1024 \
  actor_rollout_ref.model.path="$policy" actor_rollout_ref.model.enable_gradient_checkpointing=True \
  actor_rollout_ref.actor.optim.lr=1e-6 actor_rollout_ref.actor.optim.lr_warmup_steps_ratio=0.1 \
  actor_rollout_ref.actor.ppo_mini_batch_size=32 actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=4 \
  actor_rollout_ref.rollout.name=vllm actor_rollout_ref.rollout.n=1 actor_rollout_ref.rollout.temperature=1.0 \
  actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=8 actor_rollout_ref.rollout.gpu_memory_utilization=0.5 \
  actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu=8 \
  critic.model.path="$policy" critic.optim.lr=1e-5 critic.optim.lr_warmup_steps_ratio=0.05 \
  critic.ppo_micro_batch_size_per_gpu=4 \
  reward.custom_reward_function.path=pkg://endorm.integrations.verl reward.custom_reward_function.name=compute_score \
  +reward.custom_reward_function.reward_kwargs.server="$server" \
  +reward.custom_reward_function.reward_kwargs.unscored=-50.0 \
  trainer.n_gpus_per_node=8 trainer.nnodes=1 trainer.total_epochs=1 trainer.test_freq=10 trainer.save_freq=20
