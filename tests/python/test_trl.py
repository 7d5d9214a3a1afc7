"""EndoReward in TRL itself: a GRPOTrainer that trains a made-up policy for a few steps."""

import pickle

import pytest

import endorm
from endorm.integrations.trl import EndoReward

GOLDEN_PROMPTS = ["Name a colour.", "Name a city.", "Say a number.", "Say hello."]


def test_rewards_are_those_of_score(tiny):
    reward = EndoReward(engine=tiny, aggregation="mean")
    prompts = ["Name a colour.", "Name a colour.", "Name a city."]
    completions = ["Blue.", "Seven.", "Paris."]
    alone = [
        endorm.score({"prompt": p, "response": c, "truncated": True}, engine=tiny, aggregation="mean")[0].reward
        for p, c in zip(prompts, completions, strict=True)
    ]
    assert reward(prompts=prompts, completions=completions, answer=["x"] * 3) == pytest.approx(alone, abs=1e-4)
    conversations = reward(
        prompts=[[{"role": "user", "content": p}] for p in prompts],
        completions=[[{"role": "assistant", "content": c}] for c in completions],
    )
    assert conversations == pytest.approx(alone, abs=1e-4)
    # Several turns: the last one is scored, behind the others.
    turns = [{"role": "assistant", "content": "Hm."}, {"role": "user", "content": "Well?"}]
    (later,) = reward(prompts=["Name a colour."], completions=[[*turns, {"role": "assistant", "content": "Blue."}]])
    prompt = [{"role": "user", "content": "Name a colour."}, *turns]
    (expected,) = endorm.score({"prompt": prompt, "response": "Blue.", "truncated": True}, engine=tiny, aggregation="mean")
    assert later == pytest.approx(expected.reward, abs=1e-4)


def test_an_end_is_scored_where_there_was_one(tiny):
    reward = EndoReward(engine=tiny, end_token_ids=[1], aggregation="sum")
    ended, cut = reward(prompts=["a", "a"], completions=["b", "b"], completion_ids=[[5, 1], [5, 5]])
    whole, short = (
        endorm.score({"prompt": "a", "response": "b", "truncated": t}, engine=tiny, aggregation="sum")[0].reward
        for t in (False, True)
    )
    assert (ended, cut) == pytest.approx((whole, short), abs=1e-4) and ended < cut
    with pytest.raises(ValueError, match="completion_ids"):
        reward(prompts=["a"], completions=["b"])


def test_an_empty_completion_has_no_reward_or_the_one_that_was_given(tiny):
    metrics = {}
    ask = {"prompts": ["a", "a"], "completions": ["", "b"]}
    empty, full = EndoReward(engine=tiny)(**ask, log_metric=metrics.__setitem__)
    assert empty is None and full is not None and metrics == {"endorm/unscored": 0.5}
    assert EndoReward(engine=tiny, unscored=-100.0)(**ask)[0] == -100.0
    assert EndoReward(engine=tiny)(prompts=[], completions=[]) == []


def test_it_is_pickled_without_its_engine(golden):
    reward = EndoReward(str(golden / "engine_tiny_llama.gguf"), engine_options={"template": "plain", "threads": 1})
    first = reward(prompts=["a"], completions=["b"])
    assert pickle.loads(pickle.dumps(reward))(prompts=["a"], completions=["b"]) == first


@pytest.mark.parametrize("conversational", [False, True])
def test_grpo_trainer(tiny, tmp_path, conversational):
    trl = pytest.importorskip("trl")
    datasets = pytest.importorskip("datasets")
    import policy

    tokenizer = policy.tokenizer()
    prompts = [[{"role": "user", "content": text}] if conversational else text for text in GOLDEN_PROMPTS]
    calls = []

    class Watched(EndoReward):
        def __call__(self, prompts, completions, **columns):
            rewards = super().__call__(prompts, completions, **columns)
            calls.append((prompts, completions, columns, rewards))
            return rewards

    trainer = trl.GRPOTrainer(
        model=policy.model(len(tokenizer)),
        processing_class=tokenizer,
        reward_funcs=[Watched(engine=tiny, end_token_ids=[tokenizer.eos_token_id], unscored=-100.0)],
        train_dataset=datasets.Dataset.from_dict({"prompt": prompts, "answer": ["x"] * 4}),
        args=trl.GRPOConfig(
            output_dir=str(tmp_path),
            per_device_train_batch_size=4,
            num_generations=4,
            max_completion_length=12,
            max_steps=3,
            learning_rate=1e-2,
            logging_steps=1,
            report_to=[],
            save_strategy="no",
            use_cpu=True,
            bf16=False,
            disable_tqdm=True,
        ),
    )
    before = {name: weight.detach().clone() for name, weight in trainer.model.named_parameters()}
    trainer.train()
    assert len(calls) == 3
    for asked, completions, columns, rewards in calls:
        assert len(asked) == len(completions) == len(rewards) == 4
        assert isinstance(asked[0], list if conversational else str) and columns["answer"] == ["x"] * 4
        assert all(isinstance(one, float) for one in rewards)
    logged = [entry["rewards/endorm/mean"] for entry in trainer.state.log_history if "rewards/endorm/mean" in entry]
    means = [sum(rewards) / 4 for *_, rewards in calls]
    assert logged == pytest.approx(means, rel=1e-4)  # TRL trained on these numbers
    moved = max(float((weight - before[name]).abs().max()) for name, weight in trainer.model.named_parameters())
    assert moved > 0.0
