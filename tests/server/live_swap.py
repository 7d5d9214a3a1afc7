"""POST /v1/load: models change under load; every answer is a number of one of them, and what they took is given back."""
import json
import subprocess
import threading
import time

from served import ROOT, TINY, Served, near

QWEN = ROOT / "tests/golden/engine_tiny_qwen3.gguf"
LORA = ROOT / "tests/golden/engine_tiny_lora.gguf"  # of TINY
PROMPT, RESPONSE = "The capital of France?", "It is Paris, of course."
CLIENTS, ROUNDS = 8, 10
RSS_MB = 30  # that all rounds but the first two may add; an engine that stayed would add as much each time
KEY = {"Content-Type": "application/json", "Authorization": "Bearer key"}
ORDERS = [{"path": str(QWEN)}, {"path": str(TINY), "adapter": str(LORA)}, {"path": str(TINY)}]


def scored(endorm, order):
    """The reward that `endorm score` gives."""
    lora = ["--lora", order["adapter"]] if "adapter" in order else []
    record = json.dumps({"prompt": PROMPT, "response": RESPONSE})
    done = subprocess.run([endorm, "score", "-", "--model", order["path"], "--template", "plain", *lora], input=record,
                          capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout.splitlines()[1])["responses"][0]["reward"]


def load(server, order):
    """Loaded at last: 409 while the model before still answers."""
    end = time.monotonic() + 60
    while (answer := server.post("/v1/load", {"model": "tested", **order}, KEY))[0] == 409:
        assert time.monotonic() < end, answer
        time.sleep(0.01)
    assert answer[0] == 200 and answer[1]["id"] == "tested", answer


def reward(server):
    status, reply = server.post("/v1/rewards", {"prompt": PROMPT, "response": RESPONSE}, KEY)
    assert status == 200, reply
    return reply["responses"][0]["reward"]


class Client(threading.Thread):
    def __init__(self, server, numbers, over):
        super().__init__()
        self.server, self.numbers, self.over = server, numbers, over
        self.seen, self.faults = set(), []

    def run(self):
        while not self.over.is_set():
            try:
                found = reward(self.server)
                self.seen.add(next(i for i, number in enumerate(self.numbers) if near(found, number, 1e-4)))
            except Exception as fault:  # told below
                self.faults.append(repr(fault))


def run(endorm):
    numbers = [scored(endorm, order) for order in ORDERS]
    assert not near(numbers[1], numbers[2], 1e-3), numbers
    with Served(endorm, TINY, "--threads", "1", "--template", "plain", "--api-key", "key", "--quiet") as server:
        over = threading.Event()
        clients = [Client(server, numbers, over) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        try:
            for turn in range(ROUNDS):
                for order, number in zip(ORDERS, numbers):
                    load(server, order)
                    assert near(reward(server), number, 1e-4), order
                if turn == 1:
                    before = server.rss_mb()
            added = server.rss_mb() - before
        finally:
            over.set()
            for client in clients:
                client.join()
        faults = [fault for client in clients for fault in client.faults]
        assert not faults, faults[:3]
        assert set().union(*(client.seen for client in clients)) == {0, 1, 2}
        assert added < RSS_MB, f"{added:.1f} MB more after {ROUNDS * len(ORDERS)} loads"
        said = [line for line in server.log_text().splitlines() if "in the place of" in line]
        assert len(said) == ROUNDS * len(ORDERS) and f"lora {LORA}" in said[1] and "lora" not in said[2], said[:3]
    print(f"{ROUNDS * len(ORDERS)} models loaded under {CLIENTS} clients, every answer that of one of them; {added:.1f} MB more")
