#!/usr/bin/env bash
# The published recipe with OpenRLHF as the trainer (flags of 0.11) and EndoRM as its reward, on one host of eight GPUs.
# The reward model is the policy as it was: the same weights, in GGUF. Start the server first, on the same or another host:
#   endorm serve --model Qwen2.5-Math-7B-f16.gguf --aggregation discounted --on-overflow truncate-left --unscored -50
set -euo pipefail
policy=${1:?usage: openrlhf.sh POLICY_DIRECTORY MATH_TRAIN.jsonl [REWARD_URL]}
data=${2:?a file of {"prompt": ..., "label": ...}}
url=${3:-http://127.0.0.1:8000/get_reward}

python3 -m openrlhf.cli.train_ppo_ray \
  --actor.model_name_or_path "$policy" --critic.model_name_or_path "$policy" \
  --reward.remote_url "$url" \
  --data.prompt_dataset "$data" --data.input_key prompt --data.label_key label --data.apply_chat_template \
  --data.max_len 2048 --rollout.max_new_tokens 1024 \
  --rollout.batch_size 128 --rollout.n_samples_per_prompt 1 --rollout.temperature 1.0 \
  --train.batch_size 32 --train.max_epochs 1 --train.num_episodes 1 \
  --rollout.micro_batch_size 8 --train.micro_batch_size 4 \
  --algo.advantage.estimator gae --algo.advantage.gamma 1.0 --algo.advantage.lambd 0.95 --algo.kl.init_coef 0.01 \
  --actor.adam.lr 1e-6 --critic.adam.lr 1e-5 --actor.gradient_checkpointing_enable \
  --actor.num_nodes 1 --actor.num_gpus_per_node 8 --critic.num_nodes 1 --critic.num_gpus_per_node 8 \
  --ref.num_nodes 1 --ref.num_gpus_per_node 8 --train.colocate_all \
  --vllm.num_engines 8 --vllm.tensor_parallel_size 1 --vllm.gpu_memory_utilization 0.5 --vllm.enable_sleep \
  --ds.enable_sleep --ds.zero_stage 3 --ds.param_dtype bf16 \
  --ckpt.output_dir checkpoint/qwen2.5-math-7b-endorm
