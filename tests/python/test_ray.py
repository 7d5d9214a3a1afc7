"""EndoScorer and reward_deployment in Ray itself: a local cluster, worker processes, one of which is killed half way."""

import http.client
import json
import os
import signal
import time

import numpy as np
import pytest

import endorm
from conftest import GOLDEN
from endorm.integrations.ray import EndoScorer
from endorm.pool import ServerPool

MODEL = str(GOLDEN / "engine_tiny_llama.gguf")
PLAIN = {"template": "plain"}
ROWS = [{"row": i, "prompt": f"Question {i % 50}", "response": f"It is {i}."} for i in range(400)]


class Watched(EndoScorer):
    """Slow enough to be killed half way; says who scored a row."""

    def __init__(self, *arguments, pids, **settings):
        super().__init__(*arguments, **settings)
        self._pids = pids
        (pids / f"{os.getpid()}.started").touch()

    def __call__(self, batch):
        time.sleep(0.1)
        scored = super().__call__(batch)
        with (self._pids / f"{os.getpid()}.batches").open("a") as log:
            log.write(f"{int(batch['row'][0])}\n")
        return {**scored, "pid": np.full(len(batch["row"]), os.getpid()), "threads": np.full(len(batch["row"]), self.threads)}


def batches(pids):
    return {file.stem: len(file.read_text().split()) for file in pids.glob("*.batches")}


def close(rewards, records, tiny, **options):
    wanted = [one.rewards.tolist() for one in endorm.score(records, engine=tiny, **options)]
    for mine, theirs in zip(rewards, wanted, strict=True):
        assert np.ravel(mine).tolist() == pytest.approx(theirs, abs=1e-4, nan_ok=True)


def test_a_file_is_scored_by_two_workers_one_of_which_is_killed(cluster, tiny, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    pids = tmp_path / "pids"
    pids.mkdir()
    scored = cluster.data.read_json(str(path)).repartition(40).map_batches(
        Watched,
        fn_constructor_kwargs={"model": MODEL, "engine_options": PLAIN, "pids": pids, "aggregation": "mean"},
        concurrency=2,
        num_cpus=1,
        batch_size=10,
    )  # fmt: skip
    rows, killed, half = [], None, 0
    for row in scored.iter_rows():
        rows.append(row)
        done = batches(pids)
        if killed is None and len(done) == 2 and sum(done.values()) >= 15:
            killed = max(done, key=done.__getitem__)
            half = sum(done.values())
            os.kill(int(killed), signal.SIGKILL)
    assert 15 <= half < 38 and len(list(pids.glob("*.started"))) >= 3  # two, and the one in the killed one's place
    assert sorted(row["row"] for row in rows) == list(range(400))  # each once
    rows.sort(key=lambda row: row["row"])
    assert [(row["prompt"], row["response"]) for row in rows] == [(row["prompt"], row["response"]) for row in ROWS]
    close([row["reward"] for row in rows], [{name: row[name] for name in ("prompt", "response")} for row in ROWS], tiny,
          aggregation="mean")  # fmt: skip
    assert {row["reward_error"] for row in rows} == {""} and {row["threads"] for row in rows} == {1}


def test_columns_of_every_form(tiny):
    def scorer(**settings):
        return EndoScorer(MODEL, engine_options={**PLAIN, "threads": 1}, **settings)

    strings = lambda *texts: np.array(texts, dtype=object)  # noqa: E731
    batch = {"text": strings("a", "a", "", None), "answer": strings("b", "", "c", "d"), "cut": strings(None, None, True, True)}
    out = scorer(columns={"prompt": "text", "response": "answer", "truncated": "cut"}, reward="r")(batch)
    assert list(out) == ["text", "answer", "cut", "r", "r_error"] and out["r"].dtype == np.float64
    close([out["r"][0]], [{"prompt": "a", "response": "b"}], tiny)
    assert np.isnan(out["r"][1:]).all() and out["r_error"][0] == ""
    assert "no token" in out["r_error"][1] and "prompt" in out["r_error"][2] and "no prompt" in out["r_error"][3]
    messages = np.empty(2, dtype=object)
    messages[:] = [[{"role": "user", "content": "a", "name": None}]] * 2
    responses = np.empty(2, dtype=object)
    responses[:] = [np.array(["b", "c"], dtype=object), np.array(["d"], dtype=object)]
    out = scorer()({"prompt": messages, "responses": responses})
    close(out["rewards"], [{"prompt": "a", "responses": ["b", "c"]}, {"prompt": "a", "responses": ["d"]}], tiny)
    assert [list(one) for one in out["reward_errors"]] == [["", ""], [""]]
    pair = {"prompt": strings("a"), "chosen": strings("b"), "rejected": strings("c"), "id": np.array([np.nan])}
    close(scorer()(pair)["rewards"], [{"prompt": "a", "chosen": "b", "rejected": "c"}], tiny)
    with pytest.raises(ValueError, match="no column has responses: there are prompt, answer"):
        scorer()({"prompt": strings("a"), "answer": strings("b")})
    with pytest.raises(ValueError, match="no column has prompts"):
        scorer()({"response": strings("a")})
    with pytest.raises(ValueError, match="names no field of a record: reply"):
        scorer(columns={"reply": "answer"})


def test_columns_of_tokens(tiny):
    scorer = EndoScorer(MODEL, engine_options={**PLAIN, "threads": 1})
    objects = lambda *cells: np.array([*cells, None], dtype=object)[:-1]  # noqa: E731
    prompts = np.array([[4, 6], [4, 7], [4, -1]])  # a column of tensors
    ids = objects(np.array([5, 9, 30]), np.array([7]), np.array([8]))
    masks = objects(np.array([1, 0, 1]), None, None)
    out = scorer({"prompt_ids": prompts, "response_ids": ids, "response_mask": masks})
    records = [{"prompt_ids": [4, 6], "response_ids": [5, 9, 30], "response_mask": [1, 0, 1]},
               {"prompt_ids": [4, 7], "response_ids": [7]}]  # fmt: skip
    close(out["reward"][:2], records, tiny)
    assert np.isnan(out["reward"][2]) and "prompt_ids[1]" in out["reward_error"][2]
    several = objects(objects(np.array([5, 9]), np.array([7])), objects(np.array([8])))
    out = scorer({"prompt": np.array(["a", "b"], dtype=object), "response_ids": several})
    close(out["rewards"], [{"prompt": "a", "response_ids": [[5, 9], [7]]}, {"prompt": "b", "response_ids": [[8]]}], tiny)


def test_pairs_and_lists_go_through_arrow(cluster, tiny):
    records = [{"prompt": [{"role": "user", "content": f"a {i}"}], "responses": ["b"] * (i % 2 + 1)} for i in range(8)]
    scored = cluster.data.from_items(records).map_batches(
        EndoScorer, fn_constructor_kwargs={"model": MODEL, "engine_options": PLAIN}, concurrency=1, batch_size=3
    )
    rows = sorted(scored.take_all(), key=lambda row: row["prompt"][0]["content"])
    close([row["rewards"] for row in rows], records, tiny)
    assert all(set(row["reward_errors"]) == {""} for row in rows)


@pytest.fixture(scope="module")
def address(serving):
    """Of a deployment with two replicas."""
    from endorm.integrations.ray import reward_deployment
    from ray import serve

    replicas = {"num_replicas": 2, "ray_actor_options": {"num_cpus": 1}}
    serve.run(reward_deployment(MODEL, engine_options=PLAIN, deployment=replicas, aggregation="mean"), route_prefix="/")
    yield serving
    serve.delete("default")


def ask(address, path, body=None):
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body))
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def test_serve_answers_as_endorm_serve_does(address, tiny):
    assert ask(address, "/health") == (200, {"status": "ok"})
    record = {"prompt": "a", "responses": ["b", ""]}
    status, reply = ask(address, "/v1/rewards", record)
    (one,) = endorm.score(record, engine=tiny, aggregation="mean", tokens=True)
    row = {name: value for name, value in json.loads(one.row()).items() if name not in ("line", "key")}
    assert status == 200 and reply == {"model": MODEL, "aggregation": "mean", **row}
    status, reply = ask(address, "/v1/rewards", {"records": [record], "options": {"aggregation": "sum", "tokens": False}})
    assert status == 200 and reply["aggregation"] == "sum" and "token_rewards" not in reply["rows"][0]["responses"][0]
    wrong = [
        ({"prompt": "a"}, "no response"), ([1], "no JSON object"), ({"records": []}, "not empty"),
        ({**record, "hello": 1}, '"hello" is not known'), ({**record, "options": {"gama": 1}}, 'no option "gama"'),
        ({**record, "options": {"gamma": "x"}}, ""), ({**record, "options": {"alpha": -1}}, "alpha"),
        ({**record, "model": "other"}, "model"), ({**record, "stream": True}, "stream"),
    ]  # fmt: skip
    for body, said in wrong:
        status, reply = ask(address, "/v1/rewards", body)
        assert status == 400 and said in reply["error"]["message"], (body, reply)
    assert ask(address, "/v1/rewards")[0] == 405 and ask(address, "/v2/rewards", record)[0] == 404


def test_a_pool_is_a_client_of_serve(address, tiny):
    records = [{"prompt": f"Question {i % 10}", "responses": ["yes", f"no {i}"]} for i in range(40)]
    with ServerPool(f"http://{address}", at_once=16) as pool:
        close(pool.rewards(records), records, tiny, aggregation="mean")
        close(pool.rewards(records, aggregation="sum"), records, tiny, aggregation="sum")
