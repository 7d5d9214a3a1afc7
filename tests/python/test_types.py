"""The package is typed: mypy agrees with its sources and with code that uses it."""

import os
import pathlib
import subprocess
import sys

import pytest

import endorm
from conftest import SOURCE

USE = """
import numpy
import endorm
from endorm.integrations.trl import EndoReward
from endorm.pool import ServerPool

engine = endorm.Engine("smollm2-135m", threads=2, precision="exact")
scored: list[endorm.Scored] = endorm.score({"prompt": "a", "response": "b"}, engine=engine, gamma=0.9, tokens=True)
reward: float = scored[0].reward
value: float | None = scored[0].value
ids: numpy.typing.NDArray[numpy.int32] = scored[0].token_ids
best: str = endorm.rank([{"prompt": "a", "responses": ["b", "c"]}], engine=engine)[0].best.text
turns: list[endorm.TurnReward] = endorm.score("a.jsonl", score_turns="all", chat_template_kwargs={"x": 1})[0].turns
context: str | None = scored[0].context
of_turns: numpy.typing.NDArray[numpy.int32] | None = scored[0].token_turns
matrix = numpy.zeros((2, 3), dtype=numpy.int64)
drawn: list[endorm.Scored] = endorm.score_ids(matrix, matrix, matrix, prompt_masks=matrix, engine=engine, gamma=0.9)
lists: list[endorm.Scored] = endorm.score_ids([[1, 2], "a"], [[1], numpy.array([2])], [None, [1]])
written: str = endorm.complete([[{"role": "user", "content": "a"}], [1, 2]], engine=engine, tools=[{}])[0].text
spelled: list[bytes] = engine.token_bytes([1, 2])
right: bool = bool(endorm.grade("1", "1"))
rewards: list[float | None] = EndoReward(engine=engine)(prompts=["a"], completions=["b"])
many: list[list[float]] = ServerPool(["http://a:8000"]).rewards([{"prompt": "a", "response": "b"}], aggregation="mean")
"""
WRONG = """
import endorm
endorm.score({"prompt": "a", "response": "b"}, gama=0.9)
"""


def mypy(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(SOURCE / "pyproject.toml"), "--cache-dir", str(cwd), *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=dict(os.environ, MYPYPATH=str(pathlib.Path(endorm.__file__).parents[1])),
    )


def test_types(tmp_path):
    pytest.importorskip("mypy")
    package = mypy("-p", "endorm", cwd=tmp_path)
    assert package.returncode == 0, package.stdout + package.stderr
    (tmp_path / "use.py").write_text(USE)
    used = mypy("use.py", cwd=tmp_path)
    assert used.returncode == 0, used.stdout + used.stderr
    (tmp_path / "wrong.py").write_text(WRONG)
    assert "gama" in mypy("wrong.py", cwd=tmp_path).stdout
