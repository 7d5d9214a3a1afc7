#!/usr/bin/env python3
"""The speed bench behind ./run bench: outputs that agree are timed, ours beside llama.cpp and transformers.

Without --quick it writes docs/performance.md and its plots; --json alone writes rows and leaves the page as it is.
"""

import argparse
import json
import math
import os
import pathlib
import sys
import time

import generation
from contenders import CONTENDERS
from measure import Measurement
from models import known_models
from page import say
from workloads import ROOT, workloads


# --quick ends by the clock: a workload that has used up its share gets fewer rounds, at least one; n in the row tells.
QUICK_SECONDS = 520
QUICK_WORKLOADS = 4


def arguments_of(argv):
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under ten minutes: four workloads, no curves, no page")
    parser.add_argument("--json", metavar="FILE", help="one JSON object a row; - is standard output")
    parser.add_argument("--rounds", type=int, help="timed rounds (default 5; 3 with --quick)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="default: all cores")
    parser.add_argument("--only", metavar="TEXT", help="workloads whose name holds TEXT; no page is written then")
    parser.add_argument("--engines", metavar="TEXT,...", help="contenders whose name holds one of these, and the reference")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release", help="where endorm was built")
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build/bench", help="for model files, about 12 GB")
    return parser.parse_args(argv)


def printed(row):
    label = f"  {row['engine']:<13} {row['precision']:<7}"
    if "tokens_per_second" not in row:
        return f"{label} not timed: its log-probabilities are off by {row['mean_error']:.2g} a token"
    ratio = row["ratio_to_best_rival"]
    return (
        f"{label} {row['tokens_per_second']:8.0f} tokens/s (best {row['best_tokens_per_second']:.0f}, n {row['rounds']})"
        f" {'     -' if ratio is None else f'{ratio:6.2f}'} x {row['gflops']:7.0f} GFLOP/s"
        f" {row['percent_of_ceiling']:5.1f} % of {row['products']:<5} {row['peak_memory_mb']:6.0f} MB"
        f"  reward error {row['mean_reward_error']:.2g}"
    )


def measure_all(arguments):
    programs = arguments.build / "bench"
    models = known_models(arguments.folder, programs, arguments.build / "endorm")
    contenders = CONTENDERS
    if arguments.engines:
        words = arguments.engines.split(",")
        contenders = [c for c in CONTENDERS if c.name == "transformers f32" or any(word in c.name for word in words)]
    rows = []
    begin = time.monotonic()
    for place, workload in enumerate(workloads(models, arguments.quick), 1):
        if arguments.only and arguments.only not in workload.name:
            continue
        say(workload.name)
        start = time.monotonic()
        measurement = Measurement(workload, contenders, arguments.threads, arguments.folder)
        end = begin + QUICK_SECONDS * place / QUICK_WORKLOADS if arguments.quick else math.inf
        new = measurement.measure(arguments.rounds or (3 if arguments.quick else 5), end)
        for row in new:
            say(printed(row))
        say(f"  {time.monotonic() - start:.0f} s")
        rows += new
    return rows, models


def main():
    arguments = arguments_of(sys.argv[1:])
    arguments.folder.mkdir(parents=True, exist_ok=True)
    os.chdir(ROOT)
    rows, models = measure_all(arguments)
    written = []
    if not arguments.quick and not arguments.engines and (arguments.only or "") in generation.SECTION:
        say(generation.SECTION)
        written = generation.measure(models["smollm2-135m"](), arguments.threads, arguments.folder, arguments.rounds or 5)
    if arguments.json:
        lines = "".join(json.dumps(row) + "\n" for row in rows + written)
        if arguments.json == "-":
            sys.stdout.write(lines)
        else:
            pathlib.Path(arguments.json).write_text(lines)
    if not arguments.quick and not arguments.only and not arguments.engines:
        from performance_page import write_page  # needs matplotlib, which --quick does without

        write_page(rows, written, models, arguments)


main()
