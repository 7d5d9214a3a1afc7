#!/usr/bin/env python3
"""GRPO of TRL with an advantage for every token (docs/token-rewards.md).

TRL's reward functions give a number a completion; its loss also takes advantages [n,T], which a trainer derived from its
own may set. Here the advantage of a token is the discounted reward from there on, G_h = sum over k >= h of
gamma^(k-h) log pi_k, against all tokens of the same prompt's completions; G_1 is EndoRM's default reward. Needs trl;
without --policy also gguf, and the policy is then EndoRM's default model, from its own file.

    python3 trl_grpo.py [--policy DIR --model POLICY.gguf]
"""

import tempfile

import datasets
import torch
import trl
from policy import PROMPTS, arguments, judge, load

import endorm

GAMMA, SAMPLES = 0.93, 4


class TokenReward:
    """A reward function of TRL that also keeps the reward from every token on: `to_go` [n][T]."""

    __name__ = "endorm"

    def __init__(self, engine):
        self.engine = engine

    def __call__(self, prompts, completion_ids, **columns):
        scored = endorm.score_ids(prompts, completion_ids, engine=self.engine, gamma=GAMMA, tokens=True)
        self.to_go = [_to_go(one, len(ids)) for (one,), ids in zip(scored, completion_ids, strict=True)]
        return [None if one.error else one.reward for (one,) in scored]


def _to_go(one, length):
    """[T] of one completion; NaN where a token has no reward."""
    to_go = torch.full((length,), torch.nan)
    if one.error is None:
        after = 0.0
        for place, log_prob in zip(one.token_places[::-1].tolist(), one.token_log_probs[::-1].tolist(), strict=True):
            after = log_prob + GAMMA * after
            to_go[place] = after
    return to_go


class TokenTrainer(trl.GRPOTrainer):
    """GRPO with advantages [n,T]: of every token against all tokens of its group."""

    def _generate_and_score_completions(self, inputs):
        batch = super()._generate_and_score_completions(inputs)
        advantages = torch.zeros(batch["completion_ids"].shape)
        to_go = self.reward_funcs[0].to_go
        for begin in range(0, len(to_go), SAMPLES):
            group = torch.cat(to_go[begin : begin + SAMPLES])
            group = group[~group.isnan()]
            for row in range(begin, begin + SAMPLES):
                own = (to_go[row] - group.mean()) / (group.std() + 1e-4)
                advantages[row, : len(own)] = own.nan_to_num(0.0)
        batch["advantages"] = advantages.to(batch["advantages"].device)
        return batch


def main():
    flags = arguments(__doc__).parse_args()
    engine = judge(flags.model)
    policy, tokenizer = load(flags.policy, engine)
    with tempfile.TemporaryDirectory() as folder:
        trainer = TokenTrainer(
            model=policy,
            processing_class=tokenizer,
            reward_funcs=[TokenReward(engine)],
            train_dataset=datasets.Dataset.from_dict({"prompt": [[{"role": "user", "content": one}] for one in PROMPTS]}),
            args=trl.GRPOConfig(
                output_dir=folder, per_device_train_batch_size=2 * SAMPLES, num_generations=SAMPLES,
                max_completion_length=flags.tokens, max_steps=flags.steps, learning_rate=1e-6, logging_steps=1, report_to=[],
                save_strategy="no", use_cpu=not torch.cuda.is_available(), bf16=False, disable_tqdm=True,
            ),
        )  # fmt: skip
        trainer.train()
    for entry in trainer.state.log_history:
        if "reward" in entry:
            print(f"step {entry['step']}: reward {entry['reward']:.3f}, tokens {entry['completions/mean_length']:.1f}")


if __name__ == "__main__":
    main()
