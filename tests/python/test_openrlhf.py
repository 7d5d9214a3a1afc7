"""OpenRLHF's reward file, loaded and called as OpenRLHF does; and by its own executor where it is installed."""

import asyncio
import importlib.util
import types

import pytest

import endorm
from endorm.integrations.openrlhf import make_reward_func

torch = pytest.importorskip("torch")

PROMPT = "<|im_start|>user\nName a colour.<|im_end|>\n<|im_start|>assistant\n"
RESPONSE = "Blue.<|im_end|>"


@pytest.fixture(scope="module")
def raw(golden):
    return endorm.Engine(str(golden / "engine_tiny_llama.gguf"), template="raw", threads=1)


@pytest.fixture
def file(golden, tmp_path):
    path = tmp_path / "reward.py"
    path.write_text(
        "from endorm.integrations.openrlhf import make_reward_func\n"
        f"reward_func = make_reward_func({str(golden / 'engine_tiny_llama.gguf')!r}, engine_options={{'threads': 1}},"
        " end_texts=['<pad>'], unscored=-9.0)\n"
    )
    return path


def expected(raw):
    return endorm.score({"prompt": PROMPT, "response": RESPONSE, "truncated": True}, engine=raw, tokens=True)[0]


def test_as_openrlhf_calls_it(raw, file):
    spec = importlib.util.spec_from_file_location("reward_func", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    result = module.reward_func([PROMPT + RESPONSE, PROMPT + RESPONSE + "<pad><pad>", PROMPT], [PROMPT] * 3, [None] * 3)
    scored = expected(raw)
    assert scored.token_texts[-1] == "<|im_end|>"  # a special token, not its letters
    assert result["rewards"].tolist() == pytest.approx([scored.reward, scored.reward, -9.0], abs=1e-4)
    assert torch.equal(result["rewards"], result["scores"]) and set(result["extra_logs"]) == {"endorm_reward"}
    with pytest.raises(ValueError, match="does not begin"):
        module.reward_func(["something else"], [PROMPT], [None])
    with pytest.raises(ValueError, match="make_reward_func. what gives the rewards is not said"):
        make_reward_func(unscored=-9.0)


def test_in_openrlhfs_own_executor(raw, file):
    agent = pytest.importorskip("openrlhf.utils.agent")

    class Tokenizer:
        """Words to places and back: what the executor needs of one."""

        pieces = [PROMPT, RESPONSE]

        def __call__(self, text, **_):
            return {"input_ids": torch.tensor([[self.pieces.index(text)]])}

        def decode(self, ids, skip_special_tokens):
            assert not skip_special_tokens
            return "".join(self.pieces[i] for i in ids)

    class Writer:
        async def generate(self, prompt, parameters, multi_modal_data=None):
            written = types.SimpleNamespace(token_ids=[1], finish_reason="stop", logprobs=None)
            return types.SimpleNamespace(outputs=[written])

    executor = agent.SingleTurnAgentExecutor(str(file))
    parameters = types.SimpleNamespace(max_tokens=8, logprobs=None)
    output = asyncio.run(executor.execute(PROMPT, "Blue.", parameters, 64, Tokenizer(), Writer()))
    assert float(output["reward"]) == pytest.approx(expected(raw).reward, abs=1e-4)
    assert torch.tensor([output["reward"]]).shape == (1,)  # how OpenRLHF makes a tensor of it
