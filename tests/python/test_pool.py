"""ServerPool against real processes of `endorm serve`, and servers made up where a failure is to be made."""

import asyncio
import concurrent.futures
import contextlib
import http.server
import json
import math
import pickle
import subprocess
import threading
import time

import numpy as np
import pytest

import endorm
from endorm._prompt_key import prompt_key, server_hashes
from endorm.pool import ServerPool
from served import Served

RECORDS = [{"prompt": f"Question {i % 20}", "responses": ["yes", f"no, {i}"]} for i in range(60)]
QUICK = {"backoff": 0.05, "longest_rest": 0.2}


@contextlib.contextmanager
def made_up(answer, headers=()):
    """A server of ours, with these headers: answer(path, body) -> (status, JSON). Yields its address and what it was asked."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(body)
            status, reply = answer(self.path, body)
            data = json.dumps(reply).encode()
            self.send_response(status)
            for name, value in dict(headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def rewarding(path, body):
    return 200, {"rows": [{"id": "1", "responses": [{"reward": -1.0}]}]}


@pytest.fixture(scope="module")
def servers(command):
    started = [Served(command) for _ in range(3)]
    yield started
    for server in started:
        server.stop()


def expected(tiny, records=RECORDS, **options):
    return [one.rewards.tolist() for one in endorm.score(records, engine=tiny, **options)]


def close(rewards, wanted):
    """Equal but for the rounding of batches: keys and values are in f16, and a batch of another shape rounds elsewhere
    (1.5e-4 nats of -58.7 were met)."""
    for mine, theirs in zip(rewards, wanted, strict=True):
        assert mine == pytest.approx(theirs, abs=1e-3, nan_ok=True)


def test_what_tokens_spell(servers, tiny):
    with ServerPool(servers[0].url) as pool:
        every = list(range(300))  # bytes that are no characters among them
        assert pool.token_bytes(np.array(every)) == tiny.token_bytes(every)
        with pytest.raises(endorm.InvalidInput, match="99999"):
            pool.token_bytes([5, 99999])
    with made_up(lambda path, body: (200, {"content": "a"})) as (url, _), ServerPool(url) as older:
        with pytest.raises(endorm.EngineError, match="no pieces"):
            older.token_bytes([5])


def test_rewards_are_those_of_score(servers, tiny, tmp_path):
    with ServerPool([server.url for server in servers]) as pool:
        close(pool.rewards(RECORDS), expected(tiny))
        assert all(state.alive and state.busy == 0 and state.answered > 5 for state in pool.states())
        close(pool.rewards(RECORDS, aggregation="mean", gamma=0.5), expected(tiny, aggregation="mean"))
        path = tmp_path / "records.jsonl"
        path.write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
        close(pool.rewards(path), expected(tiny))
        forms = [
            {"id": "empty", "prompt": "a", "responses": ["b", ""]},
            {"id": 7, "system": "Be brief.", "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
            {"question": "a", "steps": ["First.", "Then."], "truncated": True},
            {"chosen": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
             "rejected": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "c"}]},
        ]  # fmt: skip
        close(pool.rewards(forms), expected(tiny, forms))
        rows = pool.rows(forms, tokens=True)
        assert [row["id"] for row in rows] == ["empty", "7", "3", "4"] and "no token" in rows[0]["responses"][1]["error"]
        assert math.isnan(pool.rewards(forms)[0][1]) and len(rows[1]["responses"][0]["token_rewards"]["reward"]) == 2
        assert pool.rewards([]) == []


def test_fields_that_are_not_used_are_told_of_and_not_sent(servers, tiny):
    record = {"prompt": [{"role": "user", "content": "a", "weight": 1, "name": "Ada"}], "response": "b", "source": "here"}
    wanted = expected(tiny, {"prompt": "a", "response": "b"})
    with ServerPool(servers[0].url) as pool, pytest.warns(UserWarning, match=r"not used: source, prompt\[\].weight"):
        close(pool.rewards(record), wanted)


def test_tokens_and_arguments_of_the_template(servers, tiny):
    records = [
        {"prompt_ids": np.array([4, 6]), "response_ids": [np.array([5, 9, 30]), [7]], "response_mask": [[1, 0, 1], [1]]},
        {"prompt": [{"role": "user", "content": "a"}], "response": "b", "chat_template_kwargs": {"x": 1}},
    ]
    with ServerPool([server.url for server in servers]) as pool:
        close(pool.rewards(records, aggregation="mean"), expected(tiny, records, aggregation="mean"))
    with made_up(rewarding) as (url, asked), ServerPool(url) as pool:
        pool.rewards(records[1], chat_template_kwargs={"x": 2, "y": np.int64(3)}, template_date="2025-01-02", score_turns="all")
        assert asked[0]["records"][0]["chat_template_kwargs"] == {"x": 1, "y": 3}  # a record's own go before
        assert asked[0]["options"] == {"template_date": "2025-01-02", "score_turns": "all", "tokens": False}
    tools = [{"role": "user", "content": "a"}, {"role": "assistant", "tool_calls": [{}]}, {"role": "tool", "content": None}]
    assert prompt_key({"prompt": tools}) == b"user\na\nassistant\n\ntool\n\n"
    assert prompt_key({"prompt_ids": [4, 6]}) == b"4 6" != prompt_key({"prompt_ids": [46]})


def test_threads_and_an_event_loop_share_a_pool(servers, tiny):
    wanted = expected(tiny)

    async def both():
        return await asyncio.gather(*(pool.rewards_async(RECORDS) for _ in range(3)))

    with ServerPool(",".join(server.url for server in servers)) as pool:
        with concurrent.futures.ThreadPoolExecutor(4) as threads:
            for run in [threads.submit(pool.rewards, RECORDS) for _ in range(4)]:
                close(run.result(), wanted)
        for rewards in asyncio.run(both()):
            close(rewards, wanted)
        assert sum(state.answered for state in pool.states()) == 7 * len(RECORDS)
        with pickle.loads(pickle.dumps(pool)) as again:
            close(again.rewards(RECORDS[:2]), wanted[:2])


def test_a_killed_server_is_left_and_used_again_after_a_restart(command, tiny):
    one, other = Served(command), Served(command)
    wanted = expected(tiny)
    with ServerPool([one.url, other.url], **QUICK) as pool:
        close(pool.rewards(RECORDS), wanted)
        before = pool.states()[1].answered
        assert 0 < before < len(RECORDS)
        killing = threading.Timer(0.05, other.stop)
        killing.start()
        for _ in range(5):  # killed while requests are on their way
            close(pool.rewards(RECORDS), wanted)
        killing.join()
        close(pool.rewards(RECORDS), wanted)
        left = pool.states()
        assert left[1].busy == 0
        other.start()
        time.sleep(QUICK["longest_rest"])
        close(pool.rewards(RECORDS), wanted)
        assert pool.states()[1].alive and pool.states()[1].answered > left[1].answered
        one.stop()
        other.stop()
        with pytest.raises(RuntimeError, match="could not be reached"):
            pool.rewards(RECORDS[0])


def test_the_same_prompt_goes_to_the_same_server_and_shares_are_even():
    with contextlib.ExitStack() as stack:
        started = [stack.enter_context(made_up(rewarding)) for _ in range(3)]
        urls = [url for url, _ in started]
        pool = stack.enter_context(ServerPool(urls, at_once=4))
        pool.rewards([{"prompt": f"Question {i % 100}", "response": str(i)} for i in range(300)])
        for place, (_, asked) in enumerate(started):
            prompts = {body["records"][0]["prompt"] for body in asked}
            for prompt in prompts:  # four at once: never busier than another by more than four
                hashes = server_hashes(prompt_key({"prompt": prompt}), urls)
                assert hashes.index(max(hashes)) == place
            assert 15 <= len(prompts) <= 55 and len(asked) == 3 * len(prompts)
    ports = [f"http://host:{8000 + i}" for i in range(5)]  # addresses that differ in their last digit
    named = [max(range(5), key=server_hashes(f"user\nQuestion {i}\n".encode(), ports).__getitem__) for i in range(1000)]
    assert all(150 <= named.count(place) <= 250 for place in range(5))


def test_the_command_line_names_the_same_servers(command, golden, tmp_path):
    records = [{"system": "Be brief.", "prompt": f"Question \u00e9 {i}", "response": "b"} for i in range(40)]
    path = tmp_path / "records.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    reply = {"data": [{"probs": [0.5]}]}
    with made_up(lambda *_: (200, reply)) as (one, asked), made_up(lambda *_: (200, reply)) as (other, asked_other):
        model = ["--model", str(golden / "engine_tiny_llama.gguf"), "--template", "plain"]
        servers = ["--judge", "server", "--server", f"{one},{other}"]
        subprocess.run([command, "score", str(path), *model, *servers], check=True, capture_output=True)
        agreed = 0
        for record in records:
            hashes = server_hashes(prompt_key(record), [one, other])
            there = asked if hashes[0] > hashes[1] else asked_other
            agreed += sum(body["messages"][1]["content"] == record["prompt"] for body in there)
        assert len(asked) + len(asked_other) == 40
        assert agreed >= 34  # some are handed over, where the other is much busier; by chance 20 would agree


def test_a_busy_server_hands_over():
    free = threading.Event()

    def waiting(path, body):
        free.wait(20)
        return rewarding(path, body)

    with made_up(waiting) as (one, asked), made_up(waiting) as (other, asked_other):
        with ServerPool([one, other], at_once=12) as pool:
            waiter = threading.Thread(target=pool.rewards, args=([{"prompt": "a", "response": str(i)} for i in range(12)],))
            waiter.start()
            deadline = time.monotonic() + 10
            while len(asked) + len(asked_other) < 12 and time.monotonic() < deadline:
                time.sleep(0.01)
            assert sorted([len(asked), len(asked_other)]) == [4, 8]  # five more than the other: no further one
            free.set()
            waiter.join()


def test_what_is_wrong_is_not_tried_again(servers):
    with made_up(lambda *_: (400, {"error": {"message": "no such option"}})) as (bad, asked):
        with ServerPool([bad]) as pool, pytest.raises(ValueError, match="no such option"):
            pool.rewards(RECORDS[0])
        assert len(asked) == 1
    with ServerPool([server.url for server in servers]) as pool:
        with pytest.raises(ValueError, match="no option \"gama\""):
            pool.rewards(RECORDS[:1], gama=1)
        assert sum(state.answered for state in pool.states()) == 1
        with pytest.raises(ValueError, match="record 2"):
            pool.rewards([RECORDS[0], {"prompt": "a"}])
        assert sum(state.answered for state in pool.states()) == 1  # found before anything was sent
    for urls in ([], ["localhost:8000"], ["http://a?b"], ["http://a:b"], ["ftp://a"], ["http://"]):
        with pytest.raises(ValueError, match="address"):
            ServerPool(urls)


def test_what_passes_is_tried_again():
    statuses = [503, 429, 200]

    def answer(path, body):
        return statuses.pop(0), rewarding(path, body)[1]

    with made_up(answer) as (url, asked), ServerPool(url, **QUICK) as pool:
        assert pool.rewards(RECORDS[0]) == [[-1.0]] and len(asked) == 3
    for said, least in (("1", 1.0), ("Thu, 26 Nov 2026 18:00:00 GMT", 0.0)):
        statuses = [429, 200]
        with made_up(answer, {"Retry-After": said}) as (url, asked), ServerPool(url, backoff=0.05) as pool:
            began = time.monotonic()
            assert pool.rewards(RECORDS[0]) == [[-1.0]] and len(asked) == 2
            assert time.monotonic() - began >= least
    with made_up(lambda *_: (500, {"error": "broken"})) as (url, asked), ServerPool(url, tries=3, **QUICK) as pool:
        with pytest.raises(RuntimeError, match="status 500: broken.*Tried 3 times"):
            pool.rewards(RECORDS[0])
        assert len(asked) == 3
    with made_up(lambda *_: (200, {"hello": 1})) as (url, _), ServerPool(url) as pool:
        with pytest.raises(RuntimeError, match="endorm serve"):
            pool.rewards(RECORDS[0])
    with made_up(lambda *_: (time.sleep(1), rewarding(*_))[1]) as (url, asked), ServerPool(url, reply_timeout=0.2) as pool:
        with pytest.raises(RuntimeError, match="did not answer within 0.2 s"):
            pool.rewards(RECORDS[0])
        assert len(asked) == 1


def test_keys(command):
    server = Served(command, key="secret")
    with ServerPool(server.url, api_key="secret") as pool:
        assert len(pool.rewards(RECORDS[:1])) == 1
    with ServerPool([server.url, "http://127.0.0.1:1"], api_key="wrong") as pool:
        with pytest.raises(RuntimeError, match="api_key"):
            pool.rewards(RECORDS[:3])
    server.stop()
