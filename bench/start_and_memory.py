#!/usr/bin/env python3
"""Seconds from the start of `endorm score` to its first row, and the peak memory on an 8,192-token text.

    python3 bench/start_and_memory.py ENDORM MODEL.gguf

Peak memory is the process's highest resident set; its bound is the model file, the key-value cache of one sequence,
and 150 MB.
"""

import json
import os
import pathlib
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


def measure(endorm, model):
    """-> {"start_seconds", "worst_start_seconds", "long_tokens", "peak_mb", "model_mb", "cache_mb"}."""
    first_row_seconds(endorm, model)
    starts = sorted(first_row_seconds(endorm, model) for _ in range(7))

    # " word" is one token; the template and the end of the turn take the rest of the 8,192.
    record = {"prompt": "Say it.", "response": "word" + " word" * (CONTEXT - 64), "truncated": True}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "long.jsonl")
        path.write_text(json.dumps(record) + "\n")
        process = subprocess.Popen([endorm, "score", str(path), "--model", model], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)  # this child's peak, not that of the bench's others
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit("endorm score did not score the long text")
    return {
        "start_seconds": statistics.median(starts),
        "worst_start_seconds": starts[-1],
        "long_tokens": json.loads(output.splitlines()[1])["responses"][0]["tokens"],
        "peak_mb": usage.ru_maxrss * 1024 / MB,
        "model_mb": os.path.getsize(model) / MB,
        "cache_mb": CONTEXT * CACHE_BYTES_A_TOKEN / MB,
    }


def sentences(found):
    rest = found["peak_mb"] - found["model_mb"] - found["cache_mb"]
    return (
        f"Start to first row, warm page cache: {found['start_seconds']:.2f} s (median of 7; worst"
        f" {found['worst_start_seconds']:.2f}).\n"
        f"Peak memory, {found['long_tokens']} tokens scored: {found['peak_mb']:.0f} MB = model {found['model_mb']:.0f} +"
        f" cache {found['cache_mb']:.0f} + {rest:.0f} MB (bound: 150).\n"
    )


if __name__ == "__main__":
    print(sentences(measure(*sys.argv[1:3])), end="")
