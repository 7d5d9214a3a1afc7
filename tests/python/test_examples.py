"""examples/token_rewards, as its reader starts them, with a small policy of the default model's vocabulary."""

import os
import re
import subprocess
import sys

import pytest

from conftest import SOURCE
from served import Served

EXAMPLES = SOURCE / "examples/token_rewards"
NUMBER = r"(-?\d+\.\d+)"


@pytest.fixture(scope="module")
def directory(engine, tmp_path_factory):
    """A checkpoint of transformers whose tokens are those of the default model."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    import policy

    folder = tmp_path_factory.mktemp("policy")
    tokenizer = policy.tokenizer_of(engine)
    tokenizer.save_pretrained(folder)
    policy.model(len(tokenizer), end=tokenizer.eos_token_id).save_pretrained(folder)
    return str(folder)


def steps(script, directory, *flags):
    command = [sys.executable, EXAMPLES / script, "--policy", directory, "--tokens", "6", *flags]
    run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_WAIT_POLICY": "passive"})
    assert run.returncode == 0, run.stderr
    return [line for line in run.stdout.splitlines() if line.startswith("step ")]


def test_ppo(directory, command):
    told = steps("ppo.py", directory)
    assert len(told) == 2 and all(re.fullmatch(f"step .: log pi a token {NUMBER}, KL {NUMBER}, .*", line) for line in told)
    server = Served(command, model="smollm2-135m")
    asked = steps("ppo.py", directory, "--server", server.url)
    server.stop()
    for mine, theirs in zip(re.findall(NUMBER, told[0]), re.findall(NUMBER, asked[0]), strict=True):
        assert float(theirs) == pytest.approx(float(mine), abs=0.02)  # one policy, drawn with one seed: what is read is equal


def test_trl(directory):
    pytest.importorskip("trl")
    told = steps("trl_grpo.py", directory)
    assert len(told) == 2 and all(re.fullmatch(f"step .: reward {NUMBER}, tokens .*", line) for line in told)
