#!/usr/bin/env python3
"""What sharing prefixes, and other records beside a record, change in the numbers.

    python3 bench/sharing_drift.py ENDORM RECORDS.jsonl [FLAGS OF endorm score...]

The records are scored as they come, without sharing, in batches of 64 tokens, and last to first, and compared token by
token.
"""

import json
import pathlib
import statistics
import subprocess
import sys


def score(endorm, lines, flags):
    command = [endorm, "score", "-", "--tokens", *flags]
    done = subprocess.run(command, input="\n".join(lines), stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line)["responses"] for line in done.stdout.splitlines()[1:]]


def compare(name, records, others):
    pairs = [pair for mine, theirs in zip(records, others, strict=True) for pair in zip(mine, theirs, strict=True)]
    log_probs = [zip(a["token_rewards"]["log_prob"], b["token_rewards"]["log_prob"], strict=True) for a, b in pairs]
    worst = max(abs(a - b) for response in log_probs for a, b in response)
    drift = statistics.fmean(abs(a["discounted"] - b["discounted"]) for a, b in pairs)
    print(f"{name}: worst token {worst:.2g} nats, mean |drift| of a reward {drift:.2g} nats, {len(pairs)} responses")


def main():
    endorm, path, *flags = sys.argv[1:]
    lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    shared = score(endorm, lines, flags)
    compare("without sharing", shared, score(endorm, lines, [*flags, "--no-sharing"]))
    compare("in batches of 64", shared, score(endorm, lines, [*flags, "--batch-tokens", "64", "--wave-tokens", "128"]))
    compare("last record first", shared, score(endorm, lines[::-1], flags)[::-1])


main()
