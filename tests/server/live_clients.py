"""The request code of real clients, taken from their installed packages, against the server: their numbers are those of /v1/rewards.

OpenRLHF's, verl's and LLaMA-Factory's functions are cut out of their sources and run alone, as their packages need vLLM, Ray and
accelerators to be imported; lm-evaluation-harness is imported. What is not installed is said, and skipped where nothing is.
"""
import ast
import asyncio
import importlib.util
import itertools
import json
import logging
import pathlib
import sys
import types

from served import Served, near, smollm2

SYSTEM, ASKED, ANSWER = "Be brief.", "What is the capital of France?", "Paris."
PROMPT = f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n{ASKED}<|im_end|>\n<|im_start|>assistant\n"
ENDED = ANSWER + "<|im_end|>"
TOLERANCE = 0.02  # a prompt that is kept, or a batch, rounds differently


class Missing(Exception):
    """A package is not installed."""


def source_of(package, file):
    found = importlib.util.find_spec(package)
    if found is None:
        raise Missing(package)
    return (pathlib.Path(found.submodule_search_locations[0]) / file).read_text()


def cut_out(package, file, name, known):
    """The function or class of that name, run with `known` for all that its module imports."""
    for node in ast.walk(ast.parse(source_of(package, file))):
        if getattr(node, "name", None) == name and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            node.decorator_list = []
            scope = dict(known)
            future = ast.parse("from __future__ import annotations").body  # what types are called does not matter here
            exec(compile(ast.Module(future + [node], []), f"{package}/{file}", "exec"), scope)
            return scope[name]
    raise AssertionError(f"{package}/{file} has no {name} any more: read it, and what it sends")


def asynchronous():
    try:
        import aiohttp
    except ImportError:
        raise Missing("aiohttp") from None
    return {"asyncio": asyncio, "aiohttp": aiohttp, "logger": logging.getLogger("client")}


def openrlhf(address):
    executor = type("Executor", (), {})()
    executor.reward_endpoints = [f"{address}/get_reward"]
    executor._reward_endpoint_cycle = itertools.cycle(executor.reward_endpoints)
    fetch = cut_out("openrlhf", "utils/agent.py", "_fetch_rewards_via_http", asynchronous())

    async def group():
        return await asyncio.gather(*(fetch(executor, [PROMPT + ENDED], [PROMPT], ["label"]) for _ in range(8)))

    replies = asyncio.run(group())
    assert all(set(reply[0]) == {"rewards", "scores", "extra_logs"} for reply in replies), replies
    return [reply[0]["scores"][0] for reply in replies]


def verl(address):
    worker = type("Worker", (), {})()
    worker.reward_router_address = address.removeprefix("http://")
    post = cut_out("verl", "experimental/reward_loop/reward_loop.py", "_post_request", asynchronous())
    score = cut_out("verl", "experimental/reward_loop/reward_loop.py", "compute_score_disrm", asynchronous())

    async def text(_):
        return PROMPT + ENDED

    worker._preprocess_reward_inputs = text
    worker._post_request = lambda payload, endpoint: post(worker, payload, endpoint)
    found = []
    for engine in ("vllm", "sglang"):
        rollout = types.SimpleNamespace(name=engine)
        model = types.SimpleNamespace(rollout=rollout, model_path="some/model")
        worker.config = types.SimpleNamespace(reward=types.SimpleNamespace(reward_model=model))
        found.append(asyncio.run(score(worker, None))["reward_score"])
    return found


def llamafactory(address):
    try:
        import requests
    except ImportError:
        raise Missing("requests") from None
    fetch = cut_out("llamafactory", "train/ppo/ppo_utils.py", "get_rewards_from_server",
                    {"requests": requests, "json": json, "torch": types.SimpleNamespace(Tensor=list)})
    return fetch(f"{address}/v1/score/evaluation", [PROMPT + ENDED, PROMPT + ENDED])


def lm_eval(address):
    """Its log-likelihood is the sum of log pi."""
    if importlib.util.find_spec("lm_eval") is None:
        raise Missing("lm_eval")
    from lm_eval.models.gguf import GGUFLM

    request = types.SimpleNamespace(args=(f"{ASKED}\nAnswer:", " Paris"))
    return GGUFLM(base_url=address).loglikelihood([request], disable_tqdm=True)[0]


def lm_eval_ids(address, context, continuation):
    """The same by its client of OpenAI's completions, which sends token ids."""
    if importlib.util.find_spec("lm_eval") is None or importlib.util.find_spec("tenacity") is None:
        raise Missing("lm_eval[api]")
    from lm_eval.models.openai_completions import LocalCompletionsAPI

    client = LocalCompletionsAPI(base_url=f"{address}/v1/completions", model="tested", tokenizer_backend=None, batch_size=2)
    client.tokenizer, client.tokenized_requests = object(), True  # it asks for one, and tokenizes nothing here
    asked = (("", ""), context, continuation)
    return [log_likelihood for log_likelihood, _ in client._loglikelihood_tokens([asked, asked], disable_tqdm=True)]


def run(endorm):
    if smollm2() is None:
        print("SKIPPED: SmolLM2 was never fetched")
        return
    with Served(endorm, smollm2(), "--quiet") as server:
        address = f"http://127.0.0.1:{server.port}"
        expected = server.post("/v1/rewards", {"system": SYSTEM, "prompt": ASKED, "response": ANSWER})[1]["responses"][0]["reward"]
        ran, missing = [], []
        for client in (openrlhf, verl, llamafactory):
            try:
                found = client(address)
                assert all(near(one, expected, TOLERANCE) for one in found), (client.__name__, found, expected)
                ran.append(client.__name__)
            except Missing as error:
                missing.append(f"{client.__name__} ({error} is not installed)")
        try:
            log_likelihood, _ = lm_eval(address)
            body = {"prompt": f"{ASKED}\nAnswer:", "response": " Paris", "options": {"text": "raw"}}
            log_prob = server.post("/v1/rewards", body)[1]["responses"][0]["log_prob"]
            assert near(log_likelihood, log_prob, TOLERANCE), (log_likelihood, log_prob)
            ran.append("lm_eval")
            ids = [server.token_ids(text) for text in (body["prompt"], body["response"])]
            assert near(lm_eval_ids(address, *ids), [log_prob, log_prob], TOLERANCE)
            ran.append("lm_eval with token ids")
        except Missing as error:
            missing.append(f"lm_eval ({error} is not installed)")
    print(f"clients whose own code had the right numbers: {', '.join(ran) or 'none'}")
    if missing:
        print(("SKIPPED: " if not ran else "not run: ") + ", ".join(missing), file=sys.stderr if ran else sys.stdout)
