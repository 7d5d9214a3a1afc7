"""verl's functions, by their own calls; and by verl's reward managers where verl is installed."""

import asyncio
import concurrent.futures
import importlib.util

import numpy as np
import pytest

import endorm
import endorm.integrations.verl
from endorm.integrations.verl import compute_score, compute_score_batch


@pytest.fixture(scope="module")
def settings(golden):
    return {"model": str(golden / "engine_tiny_llama.gguf"), "engine_options": {"template": "plain", "threads": 1}}


def expected(tiny, prompt, solution, **options):
    return endorm.score({"prompt": prompt, "response": solution, "truncated": True}, engine=tiny, **options)[0].reward


def test_one_solution(tiny, settings):
    info = {"prompt": np.array([{"role": "user", "content": "Name a colour."}]), "num_turns": None}
    # As verl calls it: by keywords, its own reward model's beside them.
    reward = compute_score(
        data_source="made-up", solution_str="Blue.", ground_truth="Blue.", extra_info=info, **settings
    )
    assert reward == pytest.approx(expected(tiny, "Name a colour.", "Blue."), abs=1e-4)
    assert compute_score("made-up", "Blue.", None, {"question": "Name a colour."}, **settings) == reward
    for missing in (None, {}, {"index": 3}):
        with pytest.raises(ValueError, match="extra_info"):
            compute_score("made-up", "Blue.", None, missing, **settings)
    with pytest.raises(ValueError, match="unscored"):
        compute_score("made-up", "", None, {"question": "a"}, **settings)
    assert compute_score("made-up", "", None, {"question": "a"}, unscored=-50.0, **settings) == -50.0


def test_many_threads_share_one_engine(tiny, settings):
    solutions = [f"Colour {i}." for i in range(20)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        rewards = list(pool.map(lambda s: compute_score("x", s, None, {"question": "Name one."}, **settings), solutions))
    together = compute_score_batch(
        data_sources=["x"] * 20,
        solution_strs=solutions,
        ground_truths=[None] * 20,
        extra_infos=np.array([{"question": "Name one."}] * 20),
        **settings,
    )
    assert rewards == pytest.approx(together, abs=1e-4)
    assert rewards[3] == pytest.approx(expected(tiny, "Name one.", "Colour 3."), abs=1e-4)


def managed_reward(config, extra_info, text):
    """The reward of one solution by verl's reward manager, with what a configuration says of it."""
    torch = pytest.importorskip("torch")
    import policy
    from verl import DataProto
    from verl.experimental.reward_loop.reward_manager.naive import NaiveRewardManager
    from verl.trainer.ppo.reward import get_custom_reward_fn

    tokenizer = policy.tokenizer()
    prompt = tokenizer("Name a colour.")["input_ids"]
    response = tokenizer(text + policy.END)["input_ids"]
    padded = response + [0, 0]
    data = DataProto.from_dict(
        tensors={
            "prompts": torch.tensor([prompt]),
            "responses": torch.tensor([padded]),
            "attention_mask": torch.tensor([[1] * (len(prompt) + len(response)) + [0, 0]]),
        },
        non_tensors={
            "data_source": np.array(["made-up"], dtype=object),
            "reward_model": np.array([{"ground_truth": text}], dtype=object),
            "extra_info": np.array([extra_info], dtype=object),
        },
    )

    async def run():
        manager = NaiveRewardManager(config, tokenizer, get_custom_reward_fn(config))
        return await manager.run_single(data)

    return asyncio.run(run())["reward_score"]


@pytest.mark.parametrize("path", ["pkg://endorm.integrations.verl", "pkg://endorm/integrations/verl", endorm.integrations.verl.__file__])
def test_in_verls_own_reward_manager(tiny, settings, path):
    omegaconf = pytest.importorskip("omegaconf")
    pytest.importorskip("verl")
    function = {"path": path, "name": "compute_score", "reward_kwargs": settings}
    config = omegaconf.OmegaConf.create({"reward": {"custom_reward_function": function}})
    reward = managed_reward(config, {"question": "Name a colour."}, "Blue.")
    assert reward == pytest.approx(expected(tiny, "Name a colour.", "Blue."), abs=1e-4)


def test_the_file_alone_is_a_module(tiny, settings):
    """As verl's load_module reads a path, also where verl is not installed."""
    spec = importlib.util.spec_from_file_location("custom_module_1", endorm.integrations.verl.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    reward = module.compute_score("made-up", "Blue.", None, {"question": "Name a colour."}, **settings)
    assert reward == compute_score("made-up", "Blue.", None, {"question": "Name a colour."}, **settings)


def test_what_gives_the_rewards_must_be_said():
    with pytest.raises(ValueError, match="compute_score. what gives the rewards is not said.*model=.*server="):
        compute_score("made-up", "Blue.", None, {"question": "a"})
