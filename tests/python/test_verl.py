"""verl's functions, by their own calls; and by verl's reward managers where verl is installed."""

import asyncio
import concurrent.futures

import numpy as np
import pytest

import endorm
from endorm.integrations.verl import compute_score, compute_score_batch


@pytest.fixture(scope="module")
def settings(golden):
    return {"model": str(golden / "engine_tiny_llama.gguf"), "engine_options": {"template": "plain", "threads": 1}}


def expected(tiny, prompt, solution):
    return endorm.score({"prompt": prompt, "response": solution, "truncated": True}, engine=tiny)[0].reward


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


def test_in_verls_own_reward_manager(tiny, settings):
    pytest.importorskip("verl")
    omegaconf = pytest.importorskip("omegaconf")
    torch = pytest.importorskip("torch")
    import policy
    from verl import DataProto
    from verl.experimental.reward_loop.reward_manager.naive import NaiveRewardManager
    from verl.trainer.ppo.reward import get_custom_reward_fn

    config = omegaconf.OmegaConf.create(
        {
            "reward": {
                "custom_reward_function": {
                    "path": "pkg://endorm.integrations.verl",
                    "name": "compute_score",
                    "reward_kwargs": settings,
                }
            }
        }
    )
    tokenizer = policy.tokenizer()
    prompt = tokenizer("Name a colour.")["input_ids"]
    response = tokenizer("Blue." + policy.END)["input_ids"]
    padded = response + [0, 0]
    data = DataProto.from_dict(
        tensors={
            "prompts": torch.tensor([prompt]),
            "responses": torch.tensor([padded]),
            "attention_mask": torch.tensor([[1] * (len(prompt) + len(response)) + [0, 0]]),
        },
        non_tensors={
            "data_source": np.array(["made-up"], dtype=object),
            "reward_model": np.array([{"ground_truth": "Blue."}], dtype=object),
            "extra_info": np.array([{"question": "Name a colour."}], dtype=object),
        },
    )

    async def run():
        manager = NaiveRewardManager(config, tokenizer, get_custom_reward_fn(config))
        return await manager.run_single(data)

    result = asyncio.run(run())
    assert result["reward_score"] == pytest.approx(expected(tiny, "Name a colour.", "Blue."), abs=1e-4)
