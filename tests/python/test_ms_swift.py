"""The plugin of ms-swift, by its own calls; and by ms-swift's reward computation where that is installed."""

import json
import types

import pytest

import endorm
from endorm.integrations.ms_swift import EndoORM

PROMPT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Name a colour."}]


@pytest.fixture(scope="module")
def settings(golden):
    return {"model": str(golden / "engine_tiny_llama.gguf"), "engine_options": {"template": "plain", "threads": 1}}


def expected(tiny, response, truncated):
    return endorm.score({"prompt": PROMPT, "response": response, "truncated": truncated}, engine=tiny)[0].reward


def test_as_ms_swift_calls_it(tiny, settings):
    orm = type("Plugged", (EndoORM,), {"settings": settings})(args=types.SimpleNamespace())
    answered = [[*PROMPT, {"role": "assistant", "content": text}] for text in ("Blue.", "Red.")]
    rewards = orm(["Blue.", "Red."], messages=answered, is_truncated=[False, True], trainer_state=None, solution=["", ""])
    assert rewards == pytest.approx([expected(tiny, "Blue.", False), expected(tiny, "Red.", True)], abs=1e-4)
    assert orm(["Blue."], messages=[PROMPT]) == pytest.approx([expected(tiny, "Blue.", True)], abs=1e-4)
    assert orm([""], messages=[PROMPT]) == [None]
    with pytest.raises(ValueError, match="messages"):
        orm(["Blue."])
    with pytest.raises(ValueError, match="EndoORM. what gives the rewards is not said"):
        EndoORM()


def test_columns_for_the_chat_template(golden, tmp_path):
    template = tmp_path / "chat.jinja"
    template.write_text(
        "{% for t in tools or [] %}[{{ t.function.name }}]{% endfor %}{{ style }}{% for m in messages %}<|im_start|>"
        "{{ m.role }}\n{{ m.content or '' }}{% for c in m.tool_calls or [] %}<call>{{ c.function.name }}</call>{% endfor %}"
        "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    model, options = str(golden / "engine_tiny_llama.gguf"), {"template": str(template), "threads": 1}
    orm = type("Plugged", (EndoORM,), {"settings": {"model": model, "engine_options": options}})()
    call = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": {}}}]}
    asked = [*PROMPT, call, {"role": "tool", "content": "31"}]
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    got = orm(["Blue."], messages=[[*asked, {"role": "assistant", "content": "Blue."}]], tools=[json.dumps(tools)],
              chat_template_kwargs=[{"style": "short"}])  # fmt: skip
    raw = endorm.Engine(model, template="raw", threads=1)
    text = "[f]short<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nName a colour.<|im_end|>\n"
    text += "<|im_start|>assistant\n<call>f</call><|im_end|>\n<|im_start|>tool\n31<|im_end|>\n<|im_start|>assistant\n"
    (wanted,) = endorm.score({"prompt": text, "response": "Blue.", "truncated": True}, engine=raw)
    assert got == pytest.approx([wanted.reward], abs=1e-4)


def load_plugin(path):
    """As --external_plugins PATH."""
    from swift.arguments import BaseArguments

    BaseArguments._import_external_plugins(types.SimpleNamespace(external_plugins=path, custom_register_path=[]))


def test_in_ms_swift_itself(tiny, settings, tmp_path):
    """The plugin as --external_plugins loads it, its reward as --reward_funcs endorm computes it."""
    torch = pytest.importorskip("torch")
    algorithm = pytest.importorskip("swift.rl_core.grpo_algorithm")
    from swift.rewards import orms
    from swift.rl_core.data import GRPOSample

    plugin = tmp_path / "plugin.py"
    plugin.write_text(f"from endorm.integrations.ms_swift import register\nregister(**{settings!r})\n")
    load_plugin(str(plugin))
    answered = [*PROMPT, {"role": "assistant", "content": "Blue."}]
    samples = [GRPOSample.from_row({"messages": answered, "finish_reason": reason}) for reason in ("stop", "length")]
    rewards = algorithm.compute_rewards_per_func(samples, [orms["endorm"](args=None)], None, torch.device("cpu"))
    assert rewards[:, 0].tolist() == pytest.approx(
        [expected(tiny, "Blue.", False), expected(tiny, "Blue.", True)], abs=1e-3
    )
