#!/usr/bin/env python3
"""The same workloads through transformers and PyTorch, in its fastest type; each sequence alone and as a batch.

    python3 bench/transformers_speed.py FOLDER THREADS ROUNDS    # FOLDER as scoring_speed left it

Prints tokens asked per second, checked against EndoRM's log-probs of the same tokens first.
"""

import ctypes
import json
import pathlib
import statistics
import sys
import time

folder, threads, rounds = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])

# Without this, glibc returns every large tensor to the kernel: the rival at its best setting.
libc = ctypes.CDLL("libc.so.6")
libc.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
libc.mallopt(-1, 1 << 30)  # M_TRIM_THRESHOLD

import torch  # noqa: E402
import transformers  # noqa: E402

torch.set_num_threads(threads)
torch.set_grad_enabled(False)
transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()

MODEL = "model-f32.gguf" if (folder / "model-f32.gguf").exists() else "model-bf16.gguf"


def log_probs(model, candidates, batch):
    prompt, responses = candidates["prompt"], candidates["responses"]
    found = []
    for start in range(0, len(responses), batch):
        some = responses[start : start + batch]
        ids = torch.tensor([prompt + response for response in some])
        logits = model(ids, logits_to_keep=len(some[0]) + 1, use_cache=False).logits[:, :-1]
        targets = torch.tensor(some)
        found += (logits.gather(2, targets[..., None])[..., 0] - logits.float().logsumexp(2)).double().flatten().tolist()
    return found


def main():
    workloads = json.loads((folder / "workloads.json").read_text())
    endorm = {one["workload"]: one for one in json.loads((folder / "scoring_speed.json").read_text())}
    models = {}
    for name, dtype in (("f32", torch.float32), ("bf16", torch.bfloat16)):
        models[name] = transformers.AutoModelForCausalLM.from_pretrained(
            folder, gguf_file=MODEL, dtype=dtype, attn_implementation="sdpa"
        ).eval()
    for workload in workloads:
        asked = sum(len(c["prompt"]) + len(r) for c in workload["prompts"] for r in c["responses"])
        ours = endorm[workload["name"]]
        best = None
        for name, model in models.items():
            for batch in (1, 4):
                if batch > len(workload["prompts"][0]["responses"]):
                    continue
                found = [x for c in workload["prompts"] for x in log_probs(model, c, batch)]
                gaps = [abs(a - b) for a, b in zip(found, ours["log_probs"], strict=True)]
                if not (statistics.fmean(gaps) <= 0.03):
                    sys.exit(f"transformers {name} differs from EndoRM by {statistics.fmean(gaps):.3g} in the mean")
                times = []
                for _ in range(rounds):
                    start = time.perf_counter()
                    for candidates in workload["prompts"]:
                        log_probs(model, candidates, batch)
                    times.append(time.perf_counter() - start)
                took = statistics.median(times)
                if best is None or took < best[0]:
                    best = (took, name, batch, statistics.fmean(gaps))
        took, name, batch, gap = best
        rate = statistics.median(ours["endorm_seconds"])
        print(f"\n{workload['name']}: {asked} tokens asked")
        print(f"  equality with EndoRM: mean |delta log-prob| {gap:.2g}")
        print(f"  transformers + PyTorch {torch.__version__}, {name}, batch {batch}: {asked / took:9.0f} tokens/s")
        print(f"  EndoRM against it (not the same minute):     {took / rate:9.2f} times", flush=True)


main()
