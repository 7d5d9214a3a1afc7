"""Every Python block of docs/scale.md is run, with servers, a model and data of ours in the place of the reader's."""

import json

import pytest

import endorm
from conftest import GOLDEN, SOURCE
from served import Served
from test_docs import BLOCK

RECORDS = [{"prompt": f"Question {i % 10}", "response": f"It is {i}."} for i in range(60)]
OURS = {
    '"smollm2-135m"': f'"{GOLDEN / "engine_tiny_llama.gguf"}"',
    '"precision": "fast"': '"template": "plain"',
    "concurrency=4": "concurrency=2",
    "num_cpus=8": "num_cpus=1",
    '"num_replicas": 4': '"num_replicas": 1',
    '"num_cpus": 8': '"num_cpus": 1',
}


def source(word, **more):
    """The block with this word in it."""
    (text,) = [text for _, text in BLOCK.findall((SOURCE / "docs/scale.md").read_text()) if word in text]
    for theirs, ours in {**OURS, **more}.items():
        text = text.replace(theirs, ours)
    return text


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    return str(tmp_path)


def wanted(tiny):
    return [one.reward for one in endorm.score(RECORDS, engine=tiny, aggregation="mean")]


def test_every_block_is_here():
    assert len(BLOCK.findall((SOURCE / "docs/scale.md").read_text())) == 3


def test_pool(command, data, tiny):
    servers = [Served(command), Served(command)]
    addresses = {"http://a:8000": servers[0].url, "http://b:8000": servers[1].url}
    names: dict = {"key": ""}
    exec(source("ServerPool", **addresses, **{'"data.jsonl"': f'"{data}/data.jsonl"'}), names)
    for server in servers:
        server.stop()
    assert [reward for (reward,) in names["rewards"]] == pytest.approx(wanted(tiny), abs=1e-4)


def test_ray_data(cluster, data, tiny):
    pandas = pytest.importorskip("pandas")
    exec(source("EndoScorer", **{"/data/": f"{data}/"}), {})
    rows = pandas.read_parquet(f"{data}/rewards")
    rewards = dict(zip(zip(rows["prompt"], rows["response"], strict=True), rows["reward"], strict=True))
    assert len(rows) == len(rewards) == len(RECORDS)
    mine = [rewards[record["prompt"], record["response"]] for record in RECORDS]
    assert mine == pytest.approx(wanted(tiny), abs=1e-4)


def test_ray_serve(serving, tiny):
    from endorm.pool import ServerPool
    from ray import serve

    exec(source("reward_deployment"), {})
    with ServerPool(f"http://{serving}") as pool:
        assert [reward for (reward,) in pool.rewards(RECORDS)] == pytest.approx(wanted(tiny), abs=1e-4)
    serve.delete("default")
