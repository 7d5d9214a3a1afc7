#!/usr/bin/env python3
"""Seconds from the start of `endorm score` to its first row, and the peak memory on an 8,192-token text.

    python3 bench/start_and_memory.py ENDORM MODEL.gguf

Peak memory is the process's highest resident set; its bound is the model file, the key-value cache of one sequence,
and 150 MB.
"""

import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

MB = 1e6
CONTEXT = 8192
CACHE_BYTES_A_TOKEN = 30 * 3 * 64 * 2 * 2  # SmolLM2-135M: layers x key-value heads x width x (K, V) x 2 bytes of f16


def first_row_seconds(endorm, model):
    record = json.dumps({"prompt": "What is the capital of France?", "responses": ["Paris.", "Rome."]})
    start = time.perf_counter()
    process = subprocess.Popen(
        [endorm, "score", "-", "--model", model], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    process.stdin.write(record.encode() + b"\n")
    process.stdin.close()
    if b"manifest" not in process.stdout.readline() or b"responses" not in process.stdout.readline():
        sys.exit("endorm score gave no row")
    took = time.perf_counter() - start
    process.wait()
    return took


def main():
    endorm, model = sys.argv[1], sys.argv[2]
    first_row_seconds(endorm, model)
    starts = sorted(first_row_seconds(endorm, model) for _ in range(7))
    print(f"start to first row, warm page cache: {statistics.median(starts):.2f} s (median of 7; worst {starts[-1]:.2f})")

    # " word" is one token; the template and the end of the turn take the rest of the 8,192.
    record = {"prompt": "Say it.", "response": "word" + " word" * (CONTEXT - 64), "truncated": True}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "long.jsonl")
        path.write_text(json.dumps(record) + "\n")
        done = subprocess.run([endorm, "score", str(path), "--model", model], capture_output=True, text=True, check=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    scored = json.loads(done.stdout.splitlines()[1])["responses"][0]["tokens"]
    model_bytes, cache = os.path.getsize(model), CONTEXT * CACHE_BYTES_A_TOKEN
    rest = peak - model_bytes - cache
    print(f"peak memory, {scored} tokens scored: {peak / MB:.0f} MB = model {model_bytes / MB:.0f} + cache {cache / MB:.0f}")
    print(f"  + {rest / MB:.0f} MB (bound: 150)")


main()
