#!/usr/bin/env python3
"""transformers' generate as a contender: transformers_generation.py --model FOLDER --dtype float32|bfloat16 --threads N.

Speaks the lines of bench/run_generation.cpp; a request also has "at_once", sequences in one call, and "end", the tokens
that end a completion. Prompts of a call are padded at the left.
"""

import json
import sys
import time

import torch
from transformers_model import arguments_of, load


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


def main():
    model = load(arguments_of())
    for line in sys.stdin:
        request = json.loads(line)
        prompts, at_once = request["prompts"], request["at_once"]
        completions = []
        start = time.perf_counter()
        for first in range(0, len(prompts), at_once):
            completions += generate(model, prompts[first : first + at_once], request)
        took = time.perf_counter() - start
        print(json.dumps({"seconds": took, "completions": completions, "products": ""}), flush=True)


main()
