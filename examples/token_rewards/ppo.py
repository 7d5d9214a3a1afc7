#!/usr/bin/env python3
"""PPO with a reward at every token (docs/token-rewards.md), in one file: draw, score, advantages, update.

The reward of a token is what the frozen model, read by EndoRM, thinks of it (log pi), less what the policy's own choice
cost against it (the KL to that model, whose log-probabilities are the same column). Needs torch and transformers; without
--policy also gguf, and the policy is then EndoRM's default model, from its own file.

    python3 ppo.py                                        # the default model learns from itself, 2 steps
    python3 ppo.py --policy DIR --model POLICY.gguf       # your checkpoint, rewarded by its own weights in GGUF
    python3 ppo.py --policy DIR --server http://a:8000    # the same, read by `endorm serve`
"""

import numpy as np
import torch
from policy import PROMPTS, arguments, judge, load

import endorm
from endorm.pool import ServerPool

GAMMA, LAMBDA = 0.93, 0.95  # with this gamma the return of a whole response is EndoRM's default reward, "discounted"
KL, CLIP, SAMPLES, EPOCHS = 0.01, 0.2, 4, 2


def drawn(policy, tokenizer, tokens):
    """Prompts with their mask [n,P], what was drawn behind them and its mask [n,T]: 1 up to the end of the turn."""
    asked = [[{"role": "user", "content": text}] for text in PROMPTS for _ in range(SAMPLES)]
    given = tokenizer.apply_chat_template(
        asked, add_generation_prompt=True, padding=True, return_tensors="pt", return_dict=True
    )
    given = {"input_ids": given["input_ids"], "attention_mask": given["attention_mask"]}
    settings = {"max_new_tokens": tokens, "do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0}
    whole = policy.generate(**given, **settings, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.eos_token_id)
    ids = whole[:, given["input_ids"].shape[1] :]
    ends = (ids == tokenizer.eos_token_id).int()
    return given["input_ids"], given["attention_mask"], ids, (ends.cumsum(1) - ends == 0).int()


def log_probs_of(prompts, prompt_masks, ids, masks, engine):
    """[n,T] log pi of the frozen model at every token that was drawn; 0 elsewhere."""
    column = np.zeros(ids.shape)
    scored = endorm.score_ids(prompts, ids, masks, prompt_masks=prompt_masks, engine=engine, tokens=True)
    for row, (one,) in enumerate(scored):
        if one.error is None:
            column[row, one.token_places] = one.token_log_probs
    return torch.tensor(column, dtype=torch.float32)


def log_probs_from(prompts, prompt_masks, ids, masks, pool):
    """The same from a server: a row holds the columns of the tokens that the mask keeps, in order."""
    column = np.zeros(ids.shape)
    records = [
        {"prompt_ids": p[m == 1].tolist(), "response_ids": i[k == 1].tolist()}
        for p, m, i, k in zip(prompts, prompt_masks, ids, masks, strict=True)
    ]
    for row, answer in enumerate(pool.rows(records, tokens=True)):
        (one,) = answer["responses"]
        if "error" not in one:
            read = one["token_rewards"]["log_prob"]
            column[row, np.flatnonzero(masks[row])[: len(read)]] = read
    return torch.tensor(column, dtype=torch.float32)


def evaluated(policy, critic, prompts, prompt_masks, ids, masks):
    """(log pi [n,T], value [n,T]) of the policy and its critic, before each token that was drawn."""
    whole, mask = torch.cat([prompts, ids], 1), torch.cat([prompt_masks, masks], 1)
    places = (mask.cumsum(1) - 1).clamp(min=0)
    output = policy(input_ids=whole, attention_mask=mask, position_ids=places, output_hidden_states=True)
    before = slice(prompts.shape[1] - 1, -1)
    log_probs = output.logits[:, before].log_softmax(-1).gather(2, ids.unsqueeze(2)).squeeze(2)
    return log_probs, critic(output.hidden_states[-1][:, before]).squeeze(2)


def advantages_of(rewards, values, masks):
    """Generalised advantages [n,T] and the returns [n,T] that the critic learns."""
    advantages, after = torch.zeros_like(rewards), torch.zeros(len(rewards))
    value_after = torch.zeros(len(rewards))
    for h in reversed(range(rewards.shape[1])):
        change = rewards[:, h] + GAMMA * value_after - values[:, h]
        after = (change + GAMMA * LAMBDA * after) * masks[:, h]
        advantages[:, h] = after
        value_after = values[:, h] * masks[:, h]
    return advantages, advantages + values


def main():
    parser = arguments(__doc__)
    parser.add_argument("--server", help="an address of `endorm serve` in the place of --model")
    flags = parser.parse_args()
    if flags.server and not flags.policy:
        parser.error("--server needs --policy")
    engine = None if flags.server else judge(flags.model)
    pool = ServerPool(flags.server) if flags.server else None
    torch.manual_seed(0)
    policy, tokenizer = load(flags.policy, engine)
    critic = torch.nn.Linear(policy.config.hidden_size, 1)
    groups = [{"params": policy.parameters(), "lr": 1e-6}, {"params": critic.parameters(), "lr": 1e-3}]
    optimizer = torch.optim.AdamW(groups)
    for step in range(1, flags.steps + 1):
        batch = drawn(policy, tokenizer, flags.tokens)
        *_, masks = batch
        own = masks.bool()
        frozen = log_probs_from(*batch, pool) if pool else log_probs_of(*batch, engine)
        with torch.no_grad():
            before, values = evaluated(policy, critic, *batch)
        advantages, returns = advantages_of(frozen - KL * (before - frozen) * masks, values, masks)
        advantages = (advantages - advantages[own].mean()) / (advantages[own].std() + 1e-6)
        for _ in range(EPOCHS):
            now, values = evaluated(policy, critic, *batch)
            ratio = (now - before).exp()
            gain = torch.minimum(ratio * advantages, ratio.clamp(1 - CLIP, 1 + CLIP) * advantages)
            loss = -gain[own].mean() + 0.1 * (values - returns)[own].square().mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
            optimizer.step()
        kl = (before - frozen)[own].mean()
        length = masks.sum(1).float().mean()
        print(f"step {step}: log pi a token {frozen[own].mean():.3f}, KL {kl:.3f}, tokens {length:.1f}, loss {loss:.3f}")


if __name__ == "__main__":
    main()
