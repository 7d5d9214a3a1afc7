"""The recipes for other trainers, read by what reads them there: verl's configuration, its reward loader and its reward
manager; OpenRLHF's own parser. (Those for `endorm rl` are cases of tests/cli/cases/rl.txt.)"""

import argparse
import ast
import datetime
import importlib.util
import os
import pathlib
import subprocess

import pytest

import endorm
from conftest import SOURCE
from served import Served

RECIPES = SOURCE / "recipes"


def commands(script, tmp_path, *given):
    """What a recipe hands to python3, as it would with these arguments."""
    program = tmp_path / "python3"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    run = subprocess.run(["bash", script, *given], env=environment, capture_output=True, text=True, check=True)
    return run.stdout.splitlines()


def test_every_script_is_tested_here():
    assert sorted(path.name for path in RECIPES.rglob("*.sh")) == ["openrlhf.sh", "verl.sh"]


def test_verl(command, tiny, tmp_path):
    hydra = pytest.importorskip("hydra")
    pytest.importorskip("verl")
    from test_verl import managed_reward
    from verl.experimental.reward_loop.reward_loop import migrate_legacy_reward_impl

    server = Served(command)
    question = [{"role": "user", "content": "Name a colour."}]
    wanted = endorm.score({"prompt": question, "response": "Blue.", "truncated": True}, engine=tiny)[0].reward
    for address in (server.url, f"[{server.url}]"):  # of one server, and a list as docs/python.md has it
        given = ["/models/policy", "train.parquet", "test.parquet", address]
        option, module, *overrides = commands(RECIPES / "qwen2.5-math-7b/verl.sh", tmp_path, *given)
        assert (option, module) == ("-m", "verl.trainer.main_ppo")
        with hydra.initialize_config_module("verl.trainer.config", version_base=None):
            config = migrate_legacy_reward_impl(hydra.compose("ppo_trainer", overrides))  # refuses keys it does not know
        assert config.actor_rollout_ref.model.path == "/models/policy" and config.algorithm.kl_ctrl.kl_coef == 0.01
        assert managed_reward(config, {"prompt": question}, "Blue.") == pytest.approx(wanted, abs=1e-3)
        assert managed_reward(config, {"prompt": question}, "") == -50.0
    server.stop()


def test_openrlhf(tmp_path):
    if importlib.util.find_spec("openrlhf") is None:
        pytest.skip("could not import 'openrlhf'")
    arguments = commands(RECIPES / "qwen2.5-math-7b/openrlhf.sh", tmp_path, "/models/policy", "math.jsonl")
    assert arguments[:2] == ["-m", "openrlhf.cli.train_ppo_ray"]
    args = parsed_by_openrlhf(arguments[2:])
    assert args.reward.remote_url == ["http://127.0.0.1:8000/get_reward"]
    assert args.actor.model_name_or_path == args.critic.model_name_or_path == "/models/policy"
    assert args.algo.kl.init_coef == 0.01 and args.rollout.max_new_tokens == 1024


def parsed_by_openrlhf(arguments):
    """What train_ppo_ray makes of its arguments: all that it does as a program, but for the training that it ends with."""
    folder = importlib.util.find_spec("openrlhf.cli").submodule_search_locations[0]
    source = (pathlib.Path(folder) / "train_ppo_ray.py").read_text()
    *_, program = ast.parse(source).body
    *checks, last = program.body
    assert ast.unparse(last) == "train(args)"
    names = {"argparse": argparse, "os": os, "datetime": datetime.datetime}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["train_ppo_ray.py", *arguments])
        exec(compile(ast.Module(checks, []), "train_ppo_ray.py", "exec"), names)
    return names["args"]
