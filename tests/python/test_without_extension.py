"""A trainer's machine, which has the package's Python alone: clients of a real `endorm serve`, in a fresh interpreter."""

import json
import os
import pathlib
import subprocess
import sys
import zipfile

import pytest

import endorm
from endorm import _core
from endorm._record_fields import FIELDS, MESSAGE_FIELDS, RESPONSE_FIELDS, known_fields
from conftest import SOURCE
from served import Served


QUESTION = [{"role": "user", "content": "Name a colour."}]


@pytest.fixture(scope="module")
def drawn(tiny):
    """[texts, ids] of two completions of QUESTION, as a policy of the server's vocabulary draws them."""
    made = endorm.complete([QUESTION] * 2, engine=tiny, max_tokens=6, seed=1)
    return [[one.text for one in made], [list(one.token_ids) for one in made]]


def answers(command, drawn, **environment):
    server = Served(command)
    script = pathlib.Path(__file__).with_name("without_extension.py")
    told = [sys.executable, script, server.url, json.dumps(drawn)]
    run = subprocess.run(told, capture_output=True, text=True, env={**os.environ, **environment})
    server.stop()
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.fixture(scope="module")
def said(command, drawn):
    return answers(command, drawn)


def test_a_wheel_of_python_alone(command, said, drawn, tmp_path):
    pytest.importorskip("scikit_build_core")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps", "--no-index"]
    subprocess.run([*pip, "-C", "wheel.cmake=false", "-w", tmp_path, SOURCE], check=True)
    (wheel,) = tmp_path.glob("endorm-*-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as file:
        assert not [name for name in file.namelist() if "_core" in name]
        file.extractall(tmp_path / "here")
    mine = answers(command, drawn, PYTHONPATH=str(tmp_path / "here"))
    assert mine["verl"] == pytest.approx(said["verl"], abs=1e-3) and mine["file"].startswith(str(tmp_path))


def reward(prompt, response, engine, **options):
    return endorm.score({"prompt": prompt, "response": response, "truncated": True}, engine=engine, **options)[0].reward


def test_a_pool(said, tiny):
    records = [{"prompt": f"Question {i}", "responses": ["yes", f"no, {i}", ""]} for i in range(20)]
    for mine, wanted in zip(said["pool"], endorm.score(records, engine=tiny), strict=True):
        assert mine == pytest.approx(wanted.rewards.tolist(), abs=1e-3, nan_ok=True)
    for (mine,), both in zip(said["lines"], said["pool"], strict=False):
        assert mine == pytest.approx(both[0], abs=1e-3)
    assert len(said["lines"]) == 2 and "line 1: without the extension JSON lines alone" in said["array"]
    assert "role" in said["wrong"] and "asked of record 2" in said["wrong"]
    assert "without its extension" in said["engine"] and said["loaded"] == []


def test_adapters_of_trainers(said, tiny, golden, drawn):
    from endorm.integrations.trl import EndoReward

    blue = reward("Name a colour.", "Blue.", tiny)
    assert said["verl"] == pytest.approx(blue, abs=1e-3)
    assert said["ms_swift"] == [pytest.approx(blue, abs=1e-3), None]
    raw = endorm.Engine(str(golden / "engine_tiny_llama.gguf"), template="raw", threads=1)
    assert said["openrlhf"] == pytest.approx([reward("a", "b", raw), -9.0], abs=1e-3)
    tools = [
        {"role": "assistant", "content": "I look."}, {"role": "tool", "content": "blue"}, {"role": "assistant", "content": "Blue."},
    ]  # fmt: skip
    here = EndoReward(engine=tiny)
    assert said["trl"] == pytest.approx([blue, -9.0, *here([QUESTION], [tools])], abs=1e-3)
    behind = here([[*QUESTION, tools[0], QUESTION[0]]], [tools])
    assert said["behind the prompt's turns"] == pytest.approx(behind, abs=1e-3)
    texts, ids = drawn
    wanted = [one.reward for one in endorm.score_ids([QUESTION] * 2, ids, engine=tiny)]
    assert said["tokens"] == pytest.approx(wanted, abs=1e-3)
    assert said["tokens"] == pytest.approx(here([QUESTION] * 2, texts, completion_ids=ids), abs=1e-3)
    assert said["no tokens of its own"] == pytest.approx([blue], abs=1e-3)
    assert len(said["warned"]) == 1 and "do not spell" in said["warned"][0]


def test_known_fields_are_those_of_the_core():
    message = dict.fromkeys(MESSAGE_FIELDS, "a") | {"tool_calls": []}
    more = {"here": 1}
    records = [
        {"prompt": [{**message, **more}], "response": "b", "system": None, "here": 2},
        {"chosen": [message, {"role": "assistant", "content": "b", **more}], "rejected": [message, {**message, "role": "assistant"}]},
        {"prompt": "a", "responses": ["b", {"text": "c", **more}, {"role": "assistant", "content": "d", **more, "text": "e"}]},
        {"prompt": "a", "response": {"text": "c", **more}},
        {"messages": [message, {"role": "assistant", "content": "b"}], **more},
    ]  # fmt: skip
    for record in records:
        _, unused, _ = _core.parse_record(json.dumps(record), 1)
        known, names = known_fields(record)
        assert set(names) == set(unused) and unused, record
        assert _core.parse_record(json.dumps(known), 1)[1] == []
    for name in FIELDS:
        record = {"prompt": "a", "response": "b"} | {name: None}
        try:
            assert _core.parse_record(json.dumps(record), 1)[1] == []
        except ValueError as error:  # what it is not, is of the wrong type or beside another
            assert name in ("prompt", "response"), error
    assert _core.parse_record(json.dumps({"prompt": "a", "responses": [dict.fromkeys(RESPONSE_FIELDS[:1], "b")]}), 1)[1] == []
