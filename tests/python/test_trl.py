"""EndoReward in TRL itself: a GRPOTrainer that trains a made-up policy for a few steps."""

import pickle

import numpy as np
import pytest

import endorm
from endorm.integrations.trl import EndoReward
from served import Served

GOLDEN_PROMPTS = ["Name a colour.", "Name a city.", "Say a number.", "Say hello."]


@pytest.mark.parametrize(
    "given, said",
    [
        ({}, "not said.*no default.*model=.*server="),
        ({"model": "a.gguf", "server": "http://a"}, "model and server are given together"),
        ({"model": "http://a:8000"}, "is an address. Give it as server"),
        ({"server": "a:8000"}, "not a server's address"),
        ({"server": "http://a", "engine_options": {"threads": 1}}, "Give server_options"),
        ({"model": "a.gguf", "server_options": {"api_key": "x"}}, "no server is given"),
        ({"server": "http://a", "server_options": {"keys": "x"}}, "keys"),
    ],
)
def test_what_gives_the_rewards_is_said_once(given, said):
    with pytest.raises((ValueError, TypeError), match=said):
        EndoReward(**given)


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


@pytest.mark.parametrize("aggregation", ["mean", "discounted", "sum"])
def test_several_turns(tiny, aggregation):
    turns = [{"role": "assistant", "content": "Hm."}, {"role": "user", "content": "Well?"}]
    completion = [*turns, {"role": "assistant", "content": "Blue."}]
    asked = [{"role": "user", "content": "Name a colour."}]
    record = {"prompt": [*asked, *turns], "response": "Blue.", "truncated": True}
    whole, last = (
        endorm.score(record, engine=tiny, aggregation=aggregation, score_turns=which)[0].reward for which in ("all", "last")
    )
    reward = EndoReward(engine=tiny, aggregation=aggregation)
    assert reward(prompts=["Name a colour."], completions=[completion]) == pytest.approx([whole], abs=1e-4)
    only = EndoReward(engine=tiny, aggregation=aggregation, score_turns="last")
    assert only(prompts=[asked], completions=[completion]) == pytest.approx([last], abs=1e-4) and whole != last
    # Turns of the assistant in the prompt are nobody's that is trained.
    earlier = [*asked, {"role": "assistant", "content": "Red and green."}, {"role": "user", "content": "Another."}]
    (every,) = endorm.score({**record, "prompt": [*earlier, *turns]}, engine=tiny, score_turns="all", tokens=True)
    own = endorm.aggregate(np.ascontiguousarray(every.token_log_probs[every.turns[1].begin :]))[aggregation]
    assert reward(prompts=[earlier, asked], completions=[completion] * 2) == pytest.approx([own, whole], abs=1e-4)


def drawn(engine, prompts, **settings):
    """(texts as TRL decodes them, ids) of completions by the judging model itself."""
    made = endorm.complete(prompts, engine=engine, max_tokens=8, **settings)
    return [one.text for one in made], [list(one.token_ids) for one in made]


def test_the_tokens_that_were_drawn_are_scored(engine):
    prompts = [[{"role": "user", "content": text}] for text in GOLDEN_PROMPTS]
    texts, ids = drawn(engine, prompts, seed=1)
    wanted = [one.reward for one in endorm.score_ids(prompts, ids, engine=engine, aggregation="mean")]
    reward = EndoReward(engine=engine, aggregation="mean")
    completions = [[{"role": "assistant", "content": text}] for text in texts]
    ask = {"prompts": prompts, "completions": completions, "completion_ids": ids}
    assert reward(**ask) == pytest.approx(wanted, abs=1e-4)
    # Another cut of the same text is another context: the ids are what is scored, not the text.
    cut = [[*engine_ids(engine, text)] for text in texts]
    assert reward(**{**ask, "completion_ids": cut}) == pytest.approx(
        [one.reward for one in endorm.score_ids(prompts, cut, engine=engine, aggregation="mean")], abs=1e-4
    )
    # With a mask, a tool's tokens are context.
    tool = engine_ids(engine, "31 degrees")
    called = [{"role": "assistant", "content": texts[0]}, {"role": "tool", "content": "31 degrees"}, completions[1][0]]
    whole = ids[0] + tool + ids[1]
    mask = [1] * len(ids[0]) + [0] * len(tool) + [1] * len(ids[1])
    (one,) = endorm.score_ids(prompts[:1], [whole], [mask], engine=engine, aggregation="mean")
    got = reward(prompts=prompts[:1], completions=[called], completion_ids=[whole], response_mask=[mask])
    assert got == pytest.approx([one.reward], abs=1e-4) and len(one.turns) == 2
    # An end alone says nothing, however likely it is.
    assert reward(prompts=prompts[:1], completions=[""], completion_ids=[[2]]) == [None]


def engine_ids(engine, text):
    """A text as single bytes."""
    every = engine.token_bytes(list(range(1000)))
    return [every.index(bytes([byte])) for byte in text.encode()]


def test_ids_of_another_vocabulary_are_not_read(engine, tiny):
    prompts = ["Name a colour.", "Name a city."]
    texts, ids = drawn(engine, prompts, seed=1)
    reward = EndoReward(engine=tiny)
    with pytest.warns(UserWarning, match="do not spell"):
        by_text = reward(prompts=prompts, completions=texts, completion_ids=ids)
    assert by_text == EndoReward(engine=tiny, token_ids=False)(prompts=prompts, completions=texts, completion_ids=ids)
    assert reward(prompts=prompts, completions=texts, completion_ids=ids) == by_text  # without a second warning
    with pytest.raises(ValueError, match="completion_ids"):
        EndoReward(engine=tiny, token_ids=True)(prompts=prompts, completions=texts)


def test_calls_of_tools_are_part_of_a_completion(tmp_path, golden):
    template = tmp_path / "chat.jinja"
    template.write_text(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content or '' }}{% for c in m.tool_calls or [] %}"
        "<call>{{ c.function.name }}</call>{% endfor %}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    engine = endorm.Engine(str(golden / "engine_tiny_llama.gguf"), template=str(template), threads=1)
    prompt = [{"role": "user", "content": "Is it warm?"}]
    call = {"role": "assistant", "tool_calls": [{"type": "function", "function": {"name": "weather", "arguments": {}}}]}
    tool = {"role": "tool", "name": "weather", "content": "31"}
    completion = [call, tool, {"role": "assistant", "content": "Yes."}]
    record = {"prompt": [*prompt, call, tool], "response": "Yes.", "truncated": True}
    (every,) = endorm.score(record, engine=engine, aggregation="mean", score_turns="all", tokens=True)
    assert "<call>weather</call>" in "".join(every.token_texts)
    assert EndoReward(engine=engine, aggregation="mean")([prompt], [completion]) == pytest.approx([every.reward], abs=1e-4)
    (alone,) = endorm.score({"prompt": prompt, "responses": [call], "truncated": True}, engine=engine, aggregation="mean")
    assert EndoReward(engine=engine, aggregation="mean")([prompt], [[call]]) == pytest.approx([alone.reward], abs=1e-4)


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


def test_it_is_pickled_without_its_engine(golden, tiny, command):
    reward = EndoReward(str(golden / "engine_tiny_llama.gguf"), engine_options={"template": "plain", "threads": 1})
    first = reward(prompts=["a"], completions=["b"])
    assert pickle.loads(pickle.dumps(reward))(prompts=["a"], completions=["b"]) == first
    server = Served(command)
    asking = pickle.loads(pickle.dumps(EndoReward(server=[server.url])))
    assert asking(prompts=["a"], completions=["b"]) == pytest.approx(first, abs=1e-3)
    server.stop()
    with pytest.raises(TypeError, match="engine cannot be pickled"):
        pickle.dumps(EndoReward(engine=tiny))


@pytest.mark.parametrize(
    "kind, conversational, served", [("GRPO", False, False), ("GRPO", True, False), ("GRPO", True, True), ("RLOO", True, True)]
)
def test_trainer(tiny, command, tmp_path, kind, conversational, served):
    trl = pytest.importorskip("trl")
    datasets = pytest.importorskip("datasets")
    import policy

    tokenizer = policy.tokenizer()
    prompts = [[{"role": "user", "content": text}] if conversational else text for text in GOLDEN_PROMPTS]
    calls = []
    server = Served(command) if served else None
    judge = {"engine": tiny} if server is None else {"server": server.url}

    class Watched(EndoReward):
        def __call__(self, prompts, completions, **columns):
            rewards = super().__call__(prompts, completions, **columns)
            calls.append((prompts, completions, columns, rewards))
            return rewards

    trainer = getattr(trl, f"{kind}Trainer")(
        model=policy.model(len(tokenizer)),
        processing_class=tokenizer,
        reward_funcs=[Watched(**judge, end_token_ids=[tokenizer.eos_token_id], unscored=-100.0)],
        train_dataset=datasets.Dataset.from_dict({"prompt": prompts, "answer": ["x"] * 4}),
        args=getattr(trl, f"{kind}Config")(
            output_dir=str(tmp_path),
            per_device_train_batch_size=4,
            num_generations=4,
            max_completion_length=12,
            max_steps=3,
            learning_rate=1e-2,
            beta=0.0,  # the policy has no name that a reference could be loaded by
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
    if server is not None:
        server.stop()
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


def rollout_with_a_tool(prompts, trainer):
    """A rollout as TRL takes it: two tokens of the policy, two of a tool, and the end of the turn. Zeros are the tool's."""
    ids = [[500 + place, 600, 700, 800 + place, trainer.processing_class.eos_token_id] for place in range(len(prompts))]
    mask = [[1, 1, 0, 0, 1] for _ in prompts]
    logs = {"logprobs": [[0.0] * 5 for _ in prompts], "prompt_ids": [[1, 2, 3] for _ in prompts], "completion_ids": ids}
    return {**logs, "env_mask": mask, "response_mask": mask}


@pytest.mark.parametrize("rollout", [None, rollout_with_a_tool])
def test_grpo_trainer_hands_over_the_tokens(engine, tmp_path, rollout):
    trl = pytest.importorskip("trl")
    datasets = pytest.importorskip("datasets")
    import policy

    tokenizer = policy.tokenizer_of(engine)
    calls = []

    class Watched(EndoReward):
        def __call__(self, prompts, completions, **columns):
            rewards = super().__call__(prompts, completions, **columns)
            calls.append((prompts, columns["completion_ids"], columns.get("response_mask"), rewards))
            return rewards

    trainer = trl.GRPOTrainer(
        model=policy.model(len(tokenizer), end=tokenizer.eos_token_id),
        processing_class=tokenizer,
        reward_funcs=[Watched(engine=engine, aggregation="mean", unscored=-100.0)],
        train_dataset=datasets.Dataset.from_dict({"prompt": [[{"role": "user", "content": p}] for p in GOLDEN_PROMPTS]}),
        args=trl.GRPOConfig(
            output_dir=str(tmp_path), per_device_train_batch_size=4, num_generations=4, max_completion_length=6,
            max_steps=1, report_to=[], save_strategy="no", use_cpu=True, bf16=False, disable_tqdm=True,
        ),
        rollout_func=rollout,
    )  # fmt: skip
    trainer.train()
    ((prompts, ids, masks, rewards),) = calls
    assert (masks is None) == (rollout is None)
    wanted = endorm.score_ids(prompts, ids, masks, engine=engine, aggregation="mean")
    assert rewards == pytest.approx([one.reward for one in wanted], abs=1e-4)
    assert all(one.context == "tokens" and len(one[0].turns) == (2 if rollout else 0) for one in wanted)
