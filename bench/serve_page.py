"""What bench/serve_speed.py measured, as docs/performance.md has it."""

import re
import statistics

from page import table
from targets import verdict
from workloads import ROOT

TARGETS = {"of the batch scorer": 0.85, "one at a time, nothing shared": 6.0,
           "one at a time, nothing shared, long prompts": 6.0, "transformers and FastAPI": 4.0}
SECTION = "## Serving\n"
PAGE = ROOT / "docs/performance.md"
PATTERN = re.compile(re.escape(SECTION) + r".*?(?=^## |\Z)", re.M | re.S)


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def result(rounds, threads, dtype):
    speeds = {name: [found[name] for found, *_ in rounds] for name in rounds[0][0]}

    def ratio(other, server="server"):  # round by round, where both had the same neighbours
        return statistics.median(found[server] / found[other] for found, *_ in rounds)

    seconds = [one for _, took, _, _ in rounds for one in took]
    idle, kept = [took[0] for *_, took, _ in rounds], [one for *_, took, _ in rounds for one in took[1:]]
    shorts = [one for *_, some in rounds for one in some]
    return {
        "speeds": speeds, "threads": threads, "rounds": len(rounds), "rival_dtype": dtype,
        "ratios": dict(zip(TARGETS, (ratio("scorer"), ratio("alone"), ratio("alone, long prompts", "server, long prompts"),
                                     ratio("rival")))),
        "seconds": {name: [percentile(values, 0.5), percentile(values, 0.99)] for name, values in (
            ("under that load", seconds), ("idle, a new prompt", idle), ("idle, the prompt kept", kept),
            ("idle, a short text", shorts))},
    }


def section(found, at_once, group, machine):
    rows = [("`endorm score`, the batch scorer", "scorer"), (f"**`endorm serve`, {at_once} at once**", "server"),
            ("`endorm serve`, one at a time, `--no-sharing`", "alone"),
            (f"transformers {found['rival_dtype']} and FastAPI, {at_once} at once", "rival"),
            (f"long prompts: `endorm serve`, {at_once} at once", "server, long prompts"),
            ("long prompts: `endorm serve`, one at a time, `--no-sharing`", "alone, long prompts")]
    text = SECTION + "\n`python3 bench/serve_speed.py --page` measures this alone and writes this section.\n\n"
    text += (f"SmolLM2-135M in bf16. OpenRLHF's single-sample requests in groups of {group} answers a prompt, about 800 and 150\n"
             "tokens (long prompts: 2,000 and 64). Alone a group of n answers of R tokens to P costs n (P + R) tokens, shared\n"
             "P + n R: at most 3.8 and 6.6 times less here. Equal rewards first, then interleaved rounds on texts that nobody has\n"
             "seen. The rival answers a request after another, in its faster type.\n\n")
    text += f"Measured on: {machine}; {found['threads']} threads, {found['rounds']} rounds, medians.\n\n"
    speeds = found["speeds"]
    text += table(["", "tokens/s", "best"],
                  [[name, f"{statistics.median(speeds[key]):.0f}", f"{max(speeds[key]):.0f}"] for name, key in rows])
    text += "\n" + table(["`endorm serve` under that load, times", "wanted", "measured", ""],
                         [[name, f"{wanted:.2f}", f"{found['ratios'][name]:.2f}", verdict(found["ratios"][name], wanted)]
                          for name, wanted in TARGETS.items()])
    text += "\n" + table(["seconds of a request", "p50", "p99"],
                         [[name, f"{half:.3f}", f"{most:.3f}"] for name, (half, most) in found["seconds"].items()])
    return text


def section_of_page():
    """What stands there of an earlier run; empty where nothing does."""
    found = PATTERN.search(PAGE.read_text()) if PAGE.exists() else None
    return found.group() if found else ""


def put_into_page(text):
    before, start, rest = PATTERN.sub("", PAGE.read_text()).partition("## Start and memory\n")
    PAGE.write_text(before + text.rstrip("\n") + "\n" + ("\n" + start + rest if start else ""))
