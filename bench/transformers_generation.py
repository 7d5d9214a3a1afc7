#!/usr/bin/env python3
"""transformers' generate as a contender: transformers_generation.py --model FOLDER --dtype float32|bfloat16 --threads N.

Speaks the lines of bench/run_generation.cpp; a request also has "at_once", sequences in one call, and "end", the tokens
that end a completion. Large tensors stay with the process (mallopt), sdpa attention, prompts of a call padded at the left.
"""

import argparse
import ctypes
import json
import sys
import time

libc = ctypes.CDLL("libc.so.6")
libc.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD: without these two, glibc gives every large tensor back to the kernel
libc.mallopt(-1, 1 << 30)  # M_TRIM_THRESHOLD

import torch  # noqa: E402
import transformers  # noqa: E402


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
    parser = argparse.ArgumentParser()
    for name in ("--model", "--dtype", "--threads"):
        parser.add_argument(name, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(int(arguments.threads))
    torch.set_grad_enabled(False)
    torch.manual_seed(0)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    model = transformers.AutoModelForCausalLM.from_pretrained(
        arguments.model, dtype=getattr(torch, arguments.dtype), attn_implementation="sdpa"
    ).eval()
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
