#!/usr/bin/env python3
"""A reward server as people write it with transformers and FastAPI, for bench/serve_speed.py to hold `endorm serve` against.

    rival_reward_server.py --model FOLDER --dtype float32|bfloat16 --threads N --port N

POST /get_reward {"query": [text]} with "prompts": [text] -> {"rewards": [number]}: EndoRM's default reward, the discounted
sum of log pi over the response. A request's texts are one padded batch without gradients; logits are computed for responses
alone. Requests are answered one after another, as OpenRLHF's own serve_rm does it: on a CPU two at once only share the cores.
"""
import argparse
import ctypes

libc = ctypes.CDLL("libc.so.6")
libc.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD: without these two, glibc gives every large tensor back to the kernel
libc.mallopt(-1, 1 << 30)  # M_TRIM_THRESHOLD

import fastapi  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
import uvicorn  # noqa: E402

GAMMA = 0.93  # EndoRM's default


class RewardModel:
    def __init__(self, folder, dtype):
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        self.model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype), attn_implementation="sdpa")
        self.model.eval()

    @torch.no_grad()
    def rewards(self, queries, prompts):
        heads = [self.tokenizer(prompt, add_special_tokens=False).input_ids for prompt in prompts]
        tails = [self.tokenizer(query[len(prompt):], add_special_tokens=False).input_ids
                 for query, prompt in zip(queries, prompts, strict=True)]
        longest = max(len(head) + len(tail) for head, tail in zip(heads, tails))
        first = min(map(len, heads))
        rows = [head + tail for head, tail in zip(heads, tails)]
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])  # at the right, where no response token sees it
        logits = self.model(ids, logits_to_keep=longest - first + 1, use_cache=False).logits[:, :-1]
        chosen = logits.gather(2, ids[:, first:, None])[..., 0].float() - logits.float().logsumexp(2)
        found = []
        for row, head, tail in zip(chosen, heads, tails, strict=True):
            log_probs = row[len(head) - first : len(head) - first + len(tail)].double()
            found.append(float((log_probs * GAMMA ** torch.arange(len(tail), dtype=torch.float64)).sum()))
        return found


def main():
    parser = argparse.ArgumentParser()
    for name in ("--model", "--dtype", "--threads", "--port"):
        parser.add_argument(name, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(int(arguments.threads))
    rival = RewardModel(arguments.model, arguments.dtype)
    app = fastapi.FastAPI()

    @app.get("/health")
    async def health():
        return {"status": "ok"}

    @app.post("/get_reward")
    async def get_reward(request: fastapi.Request):
        data = await request.json()
        return {"rewards": rival.rewards(data["query"], data["prompts"])}

    uvicorn.run(app, host="127.0.0.1", port=int(arguments.port), log_level="warning")


main()
