"""How time grows with the length of a text, the number of candidates, and threads: ours and the fastest rivals."""

import json
import math

from contenders import Runner
from page import say
from workloads import Texts, tokens_asked

LENGTHS = (128, 256, 512, 1024, 2048, 4096)
CANDIDATE_COUNTS = (1, 2, 4, 8, 16, 32)
ROUNDS = 3


def fastest_of(rows, contenders):
    """Every set-up of ours, and of each rival engine the fastest exact and the fastest integer one."""
    rates = {(r["engine"], r["precision"]): r.get("tokens_per_second", 0.0) for r in rows}
    chosen = [one for one in contenders if one.engine == "ours"]
    for engine in ("llama.cpp", "transformers"):
        for fast in (False, True):
            same = [one for one in contenders if one.engine == engine and one.fast == fast]
            same = [one for one in same if rates.get((engine, one.precision), 0.0) > 0.0]
            if same:
                chosen.append(max(same, key=lambda one: rates[engine, one.precision]))
    return chosen


def seconds(contenders, model, threads, tokens, folder, rivals_see=None):
    """-> {contender: best seconds for the workload}; a rival timed on a part is scaled to the whole."""
    path = (folder / "workload-growth.json").resolve()
    part = (folder / "workload-growth-part.json").resolve()
    path.write_text(json.dumps(tokens))
    some = {"prompts": [{**p, "responses": p["responses"][:rivals_see]} for p in tokens["prompts"]]}
    part.write_text(json.dumps(some))
    runners, best = {}, {}
    with open(folder / "runners.log", "a", encoding="utf-8") as log:
        try:
            for contender in contenders:
                runners[contender] = Runner(contender, model, threads, log)
                runners[contender].do("tune", path if contender.shares else part)
            for _ in range(ROUNDS):
                for contender, runner in runners.items():
                    answer = runner.do("pass", path if contender.shares else part, log_probs=False)
                    scale = 1.0 if contender.shares else tokens_asked(tokens) / tokens_asked(some)
                    best[contender] = min(best.get(contender, math.inf), answer["seconds"] * scale)
        finally:
            for runner in runners.values():
                runner.close()
    return best


def curves(rows, contenders, model, threads, folder):
    """-> {"length" | "candidates" | "threads": {name: [(x, seconds)]}}"""
    chosen = fastest_of([row for row in rows if row["workload"] == "SmolLM2-135M, 512 tokens"], contenders)
    texts = Texts(model)
    steps = [("length", n, threads, texts.texts(n, 1), None) for n in LENGTHS]
    steps += [("candidates", n, threads, texts.best_of(n), 4) for n in CANDIDATE_COUNTS]
    text = texts.texts(512, 4)
    counts = sorted({min(2**power, threads) for power in range(threads.bit_length() + 1)})
    steps += [("threads", n, n, text, None) for n in counts]
    found = {}
    for kind, x, with_threads, tokens, rivals_see in steps:
        say(f"growth with {kind}: {x}")
        for contender, took in seconds(chosen, model, with_threads, tokens, folder, rivals_see).items():
            found.setdefault(kind, {}).setdefault(contender.name, []).append((x, took))
    return found
