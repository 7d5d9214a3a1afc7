#!/usr/bin/env python3
"""What slices cost: one large request at each --slice-tokens, and how long a tiny one beside it waits.

    slice_cost.py --endorm PATH [--model MODEL] [--responses N] [--rounds N] [--slices N,N,..]

Processor time of the server, which a busy machine changes less than time on a clock; all settings are taken round by round.
"""
import argparse
import json
import os
import pathlib
import random
import re
import statistics
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/server"))
from served import Served  # noqa: E402

WORDS = "alpha beta gamma delta red blue three apples Paris answer seven twelve because yes maybe number value sum".split()
WORDS_OF_RESPONSE = 175  # about 200 tokens
WHOLE = 1 << 30  # a slice that holds all


def processor_seconds(server):
    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def number(server, name):
    return float(re.search(rf"^{name}(?:\{{[^}}]*\}})? (\S+)", server.get("/metrics")[1].decode(), re.M).group(1))


def measured(endorm, model, body, slice_tokens):
    """One large request and a tiny one beside it, on a server of their own."""
    with Served(endorm, model, "--quiet", "--slice-tokens", slice_tokens) as server:
        tiny = {"prompt": "t", "response": "yes", "options": {"tokens": False}}
        assert server.post("/v1/rewards", tiny)[0] == 200
        before, computed, began = processor_seconds(server), number(server, "endorm_tokens_computed_total"), time.monotonic()
        found = {}

        def ask():
            found["status"], found["reply"] = server.post("/v1/rewards", body)

        large = threading.Thread(target=ask)
        large.start()
        while number(server, "endorm_waiting_tokens") == 0 and large.is_alive():
            time.sleep(0.005)
        waited = time.monotonic()
        assert server.post("/v1/rewards", {**tiny, "prompt": "u"})[0] == 200
        waited = time.monotonic() - waited
        large.join()
        assert found["status"] == 200, found
        return {"processor": processor_seconds(server) - before, "wall": time.monotonic() - began, "tiny": waited,
                "tokens": number(server, "endorm_tokens_computed_total") - computed,
                "rewards": [one["reward"] for one in found["reply"]["responses"]]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--endorm", required=True, type=pathlib.Path)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--responses", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slices", default="512,1024,2048,4096,16384")
    arguments = parser.parse_args()
    moments = random.Random(5)
    texts = [" ".join(moments.choice(WORDS) for _ in range(WORDS_OF_RESPONSE)) for _ in range(arguments.responses)]
    body = {"prompt": "Say something.", "responses": texts, "options": {"tokens": False}}
    settings = [int(each) for each in arguments.slices.split(",")] + [WHOLE]
    runs = {setting: [] for setting in settings}
    for _ in range(arguments.rounds):
        for setting in settings:
            runs[setting].append(measured(arguments.endorm.resolve(), arguments.model, body, setting))
    right = runs[WHOLE][0]["rewards"]
    worst = max(abs(a - b) for each in runs.values() for run in each for a, b in zip(run["rewards"], right, strict=True))
    assert worst < 0.3, f"a reward moved by {worst}"  # the rounding of batches, in bf16 (tests/server/live_numbers.py)
    whole = [run["processor"] for run in runs[WHOLE]]
    print("slice tokens  computed  processor s  against whole  wall s  tiny s (median, worst)")
    for setting in settings:
        each = runs[setting]
        ratio = statistics.median(run["processor"] / other for run, other in zip(each, whole))
        tiny = [run["tiny"] for run in each]
        print(f"{'all' if setting == WHOLE else setting:>12}  {each[0]['tokens']:8.0f}  {statistics.median(run['processor'] for run in each):11.2f}  "
              f"{ratio - 1:+12.1%}  {statistics.median(run['wall'] for run in each):6.1f}  {statistics.median(tiny):.2f}, {max(tiny):.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
