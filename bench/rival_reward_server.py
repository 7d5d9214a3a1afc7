#!/usr/bin/env python3
"""A reward server as people write it with transformers and FastAPI, for bench/serve_speed.py to hold `endorm serve` against.

    rival_reward_server.py --model FOLDER --dtype float32|bfloat16 --threads N --port N

POST /get_reward {"query": [text]} with "prompts": [text] -> {"rewards": [number]}: EndoRM's default reward, the discounted
sum of log pi over the response. A request's texts are one padded batch without gradients; logits are computed for responses
alone. Requests are answered one after another, as OpenRLHF's own serve_rm does it: on a CPU two at once only share the cores.
"""
import fastapi
import torch
import transformers
import uvicorn
from transformers_model import arguments_of, load, response_log_probs

GAMMA = 0.93  # EndoRM's default


def rewards(model, tokenizer, queries, prompts):
    def ids(text):
        return tokenizer(text, add_special_tokens=False).input_ids

    heads = [ids(prompt) for prompt in prompts]
    tails = [ids(query[len(prompt):]) for query, prompt in zip(queries, prompts, strict=True)]
    rows = response_log_probs(model, [(len(head), head + tail) for head, tail in zip(heads, tails)])
    return [float((row * GAMMA ** torch.arange(len(row), dtype=torch.float64)).sum()) for row in rows]


def main():
    arguments = arguments_of("--port")
    model, tokenizer = load(arguments), transformers.AutoTokenizer.from_pretrained(arguments.model)
    app = fastapi.FastAPI()

    @app.get("/health")
    async def health():
        return {"status": "ok"}

    @app.post("/get_reward")
    async def get_reward(request: fastapi.Request):
        data = await request.json()
        return {"rewards": rewards(model, tokenizer, data["query"], data["prompts"])}

    uvicorn.run(app, host="127.0.0.1", port=int(arguments.port), log_level="warning")


main()
