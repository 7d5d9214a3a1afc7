#!/usr/bin/env python3
"""transformers as a contender: transformers_runner.py --model FOLDER --dtype float32|bfloat16 --threads N.

FOLDER is what from_pretrained reads. Speaks the lines of bench/runner_loop.h. It runs as fast as it can be set up: see
transformers_model.py; one or four sequences at once. A request to write also has "at_once", sequences in one call of
generate, whose prompts are padded at the left, and "end", the tokens that end a completion.
"""

import gc
import json
import pathlib
import sys
import time

import torch
from transformers_model import arguments_of, libc, load, response_log_probs


def sequences_of(workload):
    return [(len(p["prompt"]), p["prompt"] + r) for p in workload["prompts"] for r in p["responses"]]


def log_probs(model, sequences, at_once):
    """log pi of every response token, in order."""
    found = []
    for start in range(0, len(sequences), at_once):
        for row in response_log_probs(model, sequences[start : start + at_once]):
            found += row.tolist()
    return found


def tune(model, sequences):
    def seconds_each(at_once):
        log_probs(model, [(1, sequences[0][1][:32])], 1)
        return timed(log_probs, model, sequences[:at_once], at_once)[1] / at_once

    return min((n for n in (1, 4) if n <= len(sequences)), key=seconds_each)


def peak_memory_mb():
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024e-6
    sys.exit("/proc/self/status does not tell VmHWM, the peak memory")


def forget_peak_memory():
    gc.collect()
    libc.malloc_trim(0)
    pathlib.Path("/proc/self/clear_refs").write_text("5")


def generate(model, prompts, request):
    longest = max(map(len, prompts))
    end = request["end"]
    ids = torch.tensor([[end[0]] * (longest - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    sampling = {"do_sample": False}
    if request["temperature"] > 0:
        sampling = {"do_sample": True, "temperature": request["temperature"], "top_k": 0, "top_p": 1.0}
    found = model.generate(
        ids, attention_mask=mask, max_new_tokens=request["max_tokens"], pad_token_id=end[0], eos_token_id=end, **sampling
    )
    completions = []
    for row in found[:, longest:].tolist():
        ends = [place for place, token in enumerate(row) if token in end]
        completions.append(row[: ends[0]] if ends else row)
    return completions


def write(model, request):
    prompts, at_once, completions = request["prompts"], request["at_once"], []
    for first in range(0, len(prompts), at_once):
        completions += generate(model, prompts[first : first + at_once], request)
    return completions


def timed(compute, *arguments):
    start = time.perf_counter()
    found = compute(*arguments)
    return found, time.perf_counter() - start


def main():
    model = load(arguments_of())
    print(json.dumps({"products": ""}), flush=True)
    at_once = 1
    file, sequences = None, None
    for line in sys.stdin:
        request = json.loads(line)
        if request.get("workload", file) != file:
            file = request["workload"]
            sequences = sequences_of(json.loads(pathlib.Path(file).read_text()))
        if request["do"] == "tune":
            at_once = tune(model, sequences)
            forget_peak_memory()
            answer = {"setting": f"PyTorch {torch.__version__}, sdpa, {at_once} at once"}
        elif request["do"] == "write":
            completions, took = timed(write, model, request)
            answer = {"seconds": took, "completions": completions}
        else:
            found, took = timed(log_probs, model, sequences, at_once)
            answer = {
                "seconds": took,
                "tokens_computed": sum(len(tokens) for _, tokens in sequences),
                "peak_memory_mb": peak_memory_mb(),
            }
            if request["log_probs"]:
                answer["log_probs"] = found
        print(json.dumps(answer), flush=True)


main()
