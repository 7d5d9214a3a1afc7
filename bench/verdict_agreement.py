#!/usr/bin/env python3
"""Do verdicts survive a precision or a quantisation? The same pairs through two set-ups of one model.

    python3 bench/verdict_agreement.py --endorm ENDORM --pairs FILE --model GGUF [--precision NAME] --reference GGUF

FILE is RM-Bench (JSON: three chosen and three rejected answers a prompt, so nine pairs), RewardBench rows with
"response_a" (chosen) and "response_b", or records with "chosen" and "rejected". A pair's verdict is which reward
(discounted) is higher. The reference runs in f32 throughout: give the model's f32 file.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile

AGGREGATIONS = ("discounted", "mean", "sum")


def read_pairs(path, limit=None):
    """-> [{"prompt", "responses"}], the first half of the responses chosen, the second rejected."""
    text = pathlib.Path(path).read_text()
    rows = json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.splitlines()]
    found = []
    for row in rows[:limit]:
        chosen, rejected = (row["response_a"], row["response_b"]) if "response_a" in row else (row["chosen"], row["rejected"])
        chosen, rejected = (one if isinstance(one, list) else [one] for one in (chosen, rejected))
        found.append({"prompt": row["prompt"], "responses": chosen + rejected})
    return found


def score(endorm, model, pairs, threads, *flags):
    """-> {line: rows of the responses}, of the records that were scored whole."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "pairs.jsonl")
        path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
        command = [endorm, "score", path, "--model", model, "--on-overflow", "skip", "--threads", str(threads), *flags]
        done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True, check=False)
    rows = [json.loads(line) for line in done.stdout.splitlines()[1:]]
    return {row["line"]: row["responses"] for row in rows if all("reward" in r for r in row.get("responses", [{}]))}


def gaps(responses, name):
    half = len(responses) // 2
    return [chosen[name] - rejected[name] for chosen in responses[:half] for rejected in responses[half:]]


def compare(ours, exact):
    """-> a row an aggregation, over the records that both scored."""
    lines = sorted(ours.keys() & exact.keys())
    rows = []
    for name in AGGREGATIONS:
        drift = [abs(a[name] - b[name]) for i in lines for a, b in zip(ours[i], exact[i], strict=True)]
        pairs = [both for i in lines for both in zip(gaps(ours[i], name), gaps(exact[i], name), strict=True)]
        spread = statistics.fmean(abs(gap) for _, gap in pairs)
        rows.append(
            {
                "aggregation": name,
                "pairs": len(pairs),
                "agreement": statistics.fmean((mine > 0) == (its > 0) for mine, its in pairs),
                "mean_drift": statistics.fmean(drift),
                "worst_drift": max(drift),
                "drift_of_spread": statistics.fmean(drift) / spread,
                "accuracy": statistics.fmean(mine > 0 for mine, _ in pairs),
                "reference_accuracy": statistics.fmean(its > 0 for _, its in pairs),
            }
        )
    return rows


def reference_rewards(endorm, model, pairs, threads, exact_flags=()):
    return score(endorm, model, pairs, threads, "--kv-type", "f32", "--flash-attention", "off", *exact_flags)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--endorm", "--pairs", "--model", "--reference"):
        parser.add_argument(name, required=True)
    parser.add_argument("--precision", help="of the model under test (default: endorm's own)")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--threads", default="0")
    arguments = parser.parse_args()
    pairs = read_pairs(arguments.pairs, arguments.limit)
    flags = ["--precision", arguments.precision] if arguments.precision else []
    ours = score(arguments.endorm, arguments.model, pairs, arguments.threads, *flags)
    exact = reference_rewards(arguments.endorm, arguments.reference, pairs, arguments.threads)
    print(f"{len(ours.keys() & exact.keys())} prompts scored by both, of {len(pairs)}")
    print("aggregation   agreement   pairs   mean |drift|   worst   of the spread between pairs   accuracy   reference")
    for row in compare(ours, exact):
        print(
            f"{row['aggregation']:<12} {100 * row['agreement']:8.1f} % {row['pairs']:8} {row['mean_drift']:9.3f} nats"
            f" {row['worst_drift']:7.2f} {100 * row['drift_of_spread']:25.1f} % {100 * row['accuracy']:9.1f} %"
            f" {100 * row['reference_accuracy']:8.1f} %"
        )


if __name__ == "__main__":
    main()
