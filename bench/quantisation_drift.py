#!/usr/bin/env python3
"""What quantisation does to rewards: the same pairs through two files of one model.

    python3 bench/quantisation_drift.py ENDORM MODEL REFERENCE PAIRS.jsonl [LIMIT] [THREADS]

PAIRS holds records with "chosen" and "rejected", or RewardBench rows with "response_a" (chosen) and "response_b". The
reference runs with a key-value cache in f32 and without flash attention.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile


def pairs(path, limit):
    records = []
    for line in pathlib.Path(path).read_text().splitlines()[:limit]:
        row = json.loads(line)
        if "response_a" in row:
            row = {"id": row["id"], "prompt": row["prompt"], "chosen": row["response_a"], "rejected": row["response_b"]}
        records.append(json.dumps(row))
    return "\n".join(records) + "\n"


def score(endorm, model, records, threads, *flags):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "pairs.jsonl")
        path.write_text(records)
        command = [endorm, "score", str(path), "--model", model, "--on-overflow", "skip", "--threads", threads, *flags]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    rows = [json.loads(line) for line in done.stdout.splitlines()[1:]]
    return {row["line"]: row["responses"] for row in rows if all("reward" in r for r in row.get("responses", [{}]))}


def main():
    endorm, model, reference = sys.argv[1:4]
    limit = int(sys.argv[5]) if len(sys.argv) > 5 else None
    threads = sys.argv[6] if len(sys.argv) > 6 else "0"
    records = pairs(sys.argv[4], limit)
    quantised = score(endorm, model, records, threads)
    exact = score(endorm, reference, records, threads, "--kv-type", "f32", "--flash-attention", "off")
    lines = sorted(quantised.keys() & exact.keys())
    print(f"{len(lines)} pairs scored by both, of {records.count(chr(10))}")
    print("aggregation      mean |drift|   worst   of the spread between pairs   verdicts flipped   accuracy   reference")
    for name in ("discounted", "mean", "sum"):
        drift = [abs(q[name] - e[name]) for i in lines for q, e in zip(quantised[i], exact[i], strict=True)]
        gaps = {i: (quantised[i][0][name] - quantised[i][1][name], exact[i][0][name] - exact[i][1][name]) for i in lines}
        spread = statistics.fmean(abs(gap) for _, gap in gaps.values())
        flipped = statistics.fmean((q > 0) != (e > 0) for q, e in gaps.values())
        right = [statistics.fmean(gap[side] > 0 for gap in gaps.values()) for side in (0, 1)]
        print(
            f"{name:<15} {statistics.fmean(drift):9.3f} nats {max(drift):7.2f} {100 * statistics.fmean(drift) / spread:25.1f} %"
            f" {100 * flipped:16.1f} % {100 * right[0]:10.1f} % {100 * right[1]:8.1f} %"
        )


main()
