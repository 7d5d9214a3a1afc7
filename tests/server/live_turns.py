"""Large requests hold nobody: rewards, completions and streams of many parts beside a small request, in slices."""
import json
import re
import threading
import time

from served import TINY, Served, near, refused

SLICE = 256  # tokens


def number(server, name):
    return float(re.search(rf"^{name}(?:\{{[^}}]*\}})? (\S+)", server.get("/metrics")[1].decode(), re.M).group(1))


def waits_for(server, what, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "nothing came of it"
        time.sleep(0.01)


def beside(server, path, body):
    """Slices from a small request to its answer, while the large one is at work; its reply."""
    found = {}

    def ask():
        found["status"], found["reply"] = server.post(path, body)

    large = threading.Thread(target=ask)
    large.start()
    waits_for(server, lambda: number(server, "endorm_waiting_tokens") > 20 * SLICE)
    before = number(server, "endorm_batches_total")
    status, reply = server.post("/v1/rewards", {"prompt": f"small beside {path}", "response": "yes"})
    slices = number(server, "endorm_batches_total") - before
    assert status == 200, reply
    assert number(server, "endorm_waiting_tokens") > 0, "the large request was over before the small one: nothing was seen"
    large.join()
    assert found["status"] == 200, found["reply"]
    # The one at work, its own, and what ends while the numbers are asked for.
    assert slices <= 6, f"{path}: the small request took {slices:.0f} slices"
    return found["reply"]


def left_alone(server):
    """A client that leaves: what it asked for is not computed."""
    body = json.dumps({"prompt": ["b" * 40] * 3000, "max_tokens": 60}).encode()
    connection = server.socket()
    connection.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    waits_for(server, lambda: number(server, "endorm_waiting_tokens") > 20 * SLICE)
    connection.close()
    waits_for(server, lambda: number(server, "endorm_waiting_tokens") == 0, 20)
    waits_for(server, lambda: number(server, "endorm_held_bytes") == 0, 20)


def cut(server, whole):
    """Rewards of one large request are those that each response has alone in a server that cuts nothing."""
    body = {"prompt": "one prompt", "responses": [f"answer {i} " + "x" * (i % 40) for i in range(400)], "options": {"tokens": False}}
    slices, rewards = [], []
    for each in (server, whole):
        before = number(each, "endorm_batches_total")
        rewards.append([one["reward"] for one in each.post("/v1/rewards", body)[1]["responses"]])
        slices.append(number(each, "endorm_batches_total") - before)
    assert near(rewards[0], rewards[1], 1e-3), max(abs(a - b) for a, b in zip(*rewards))
    assert slices[0] > 10 * slices[1], slices
    return slices


def stream(server):
    """Each record is a line as it is scored: the first comes while others wait."""
    records = [{"id": str(i), "prompt": f"record {i}", "response": "z" * 40} for i in range(1500)]
    connection = server.connection()
    connection.request("POST", "/v1/rewards", json.dumps({"records": records, "stream": True}))
    reply = connection.getresponse()
    first = json.loads(reply.readline())
    waiting = number(server, "endorm_waiting_tokens")
    lines = [first] + [json.loads(line) for line in reply.read().splitlines()]
    assert [line["id"] for line in lines] == [record["id"] for record in records]
    assert waiting > 0, "the first line came when all was over"


def run(endorm):
    with Served(endorm, TINY, "--threads", "1", "--quiet", "--slice-tokens", SLICE) as server:
        beside(server, "/v1/rewards", {"prompt": "p", "responses": [f"{i} " + "y" * 60 for i in range(4000)],
                                       "options": {"tokens": False}})
        beside(server, "/v1/completions", {"prompt": [f"Once upon a time {i}" for i in range(500)], "max_tokens": 50})
        left_alone(server)
        stream(server)
        with Served(endorm, TINY, "--threads", "1", "--quiet", "--slice-tokens", 1 << 20) as whole:
            slices = cut(server, whole)
        for status, reply in (server.post("/v1/rewards", {"prompt": "a", "response": "b", "options": {"alpha": 1e-308}}),
                              server.post("/v1/rewards", {"prompt": "a", "response": "b", "priority": "middle"})):
            assert refused(status, reply), (status, reply)
        for priority in ("low", "high", 0, 3, None):
            assert server.post("/v1/rewards", {"prompt": "a", "response": "b", "priority": priority})[0] == 200
    for batch in (1, 8, 100):
        with Served(endorm, TINY, "--threads", "1", "--quiet", "--batch-tokens", batch) as server:
            assert server.post("/v1/rewards", {"prompt": "a", "responses": ["b", "c d"]})[0] == 200
            assert server.post("/v1/completions", {"prompt": "a b", "max_tokens": 4})[0] == 200
    with Served(endorm, TINY, "--threads", "1", "--quiet", "--max-waiting-tokens", 500, "--max-waiting-bytes", 20_000) as server:
        for body in ({"prompt": "a", "responses": ["b" * 60] * 100}, {"prompt": "a" * 30_000, "response": "b"}):
            status, reply = server.post("/v1/rewards", body)
            assert refused(status, reply) and "at once" in reply["error"]["message"], (status, reply)
    print(f"small requests beside large ones wait for slices alone; one request in {slices[0]:.0f} slices and in {slices[1]:.0f}: "
          "the same rewards")
