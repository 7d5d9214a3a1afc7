"""The request code of real clients, taken from their installed packages, against the server: their numbers are those of /v1/rewards.

OpenRLHF's, verl's, LLaMA-Factory's and TRL's functions are cut out of their sources and run alone, as their packages need vLLM,
Ray and accelerators to be imported (`pip install --no-deps` is enough); lm-evaluation-harness and the clients of OpenAI and Cohere
are imported. Clients that no package has (LightRFT, align-anything, slime, prime-rl) or none that is light (NeMo Gym) are written
from what their sources send and read; docs/serving.md says which of them were tried by hand. What is not installed is said.
"""
import ast
import asyncio
import concurrent.futures
import contextlib
import http.cookiejar
import importlib.util
import itertools
import json
import logging
import math
import pathlib
import time
import types
import urllib.parse
import urllib.request

from served import SECONDS, Served, near, smollm2

SYSTEM, ASKED, ANSWER = "Be brief.", "What is the capital of France?", "Paris."
PROMPT = f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n{ASKED}<|im_end|>\n<|im_start|>assistant\n"
ENDED = ANSWER + "<|im_end|>"
BY_SHAPE = " (by shape)"
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
    url = f"{address}/v1/score/evaluation"
    found = fetch(url, [PROMPT + ENDED, "a text that cannot be cut", PROMPT + ENDED])
    assert math.isnan(found[1]), found  # it reads no status and no reason
    return found[::2]


def lightrft(address):
    """Its remote_rm_fn: one list of queries, retried on any status but 200."""
    body = {"queries": [PROMPT + ENDED, PROMPT + ENDED], "prompts": [PROMPT, PROMPT], "references": ["Paris", "Paris"], "images": [None, None]}
    return posted(f"{address}/get_reward", body)["rewards"]


def align_anything(address):
    """RemoteRewardModel.score: texts without a template."""
    body = {"prompts": [ASKED], "responses": [ANSWER]}
    return posted(f"{address}/get_reward", body)["rewards"]


def nemo_gym(address):
    """Rollouts as its agents and its environment servers do them: a session, what the model wrote, the figures of all."""
    assert posted(f"{address}/seed_session", {"responses_create_params": {"input": ASKED}}) == {}
    assert got(f"{address}/reverify_mode") == "stateless"
    written = {"type": "message", "role": "assistant", "status": "completed", "id": "m",
               "content": [{"type": "output_text", "text": ANSWER, "annotations": []}]}
    asked = {"input": ASKED, "instructions": SYSTEM, "tools": [], "parallel_tool_calls": True, "temperature": 1.0}
    rollout = {"responses_create_params": asked, "response": {"id": "r", "object": "response", "output": [written]}}
    verified = posted(f"{address}/verify", rollout)
    assert {key: verified[key] for key in rollout} == rollout
    figures = posted(f"{address}/aggregate_metrics", {"verify_responses": [{"_ng_task_index": 0, "_ng_rollout_index": 0, "reward": verified["reward"]}]})
    return [verified["reward"], figures["key_metrics"]["mean/reward"], nemo_gym_episode(f"{address}/ng-rollout/0-0", rollout)]


def nemo_gym_episode(address, rollout):
    """The episode of an environment server that is observed: the reward within the session that it named."""
    session, episode = {"resources_session_id": "resources-session-1"}, {"rollout_id": "0-0", "attempt": 0}
    cookies = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    asked = {**session, "episode_id": episode, "task_id": {"taskset": "t", "task_id": "0"}, "task_data": {"expected": "Paris"}}
    assert posted(f"{address}/seed_session", asked, browser.open) == session  # other keys are refused
    assert len(cookies) == 1
    reward = posted(f"{address}/verify", {"expected": "Paris", **rollout}, browser.open)["reward"]
    assert posted(f"{address}/close_session", {**session, "episode_id": episode}, browser.open) == session
    return reward


def openai_client(address):
    """Embeddings, which it asks for in base64, and models."""
    if importlib.util.find_spec("openai") is None:
        raise Missing("openai")
    from openai import NotFoundError, OpenAI

    client = OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
    (model,) = client.models.list().data
    assert client.models.retrieve(model.id).created == model.created > 1_700_000_000
    try:
        client.models.retrieve("another")
        raise AssertionError("a model that is not there was told of")
    except NotFoundError:
        pass
    text = PROMPT + ENDED
    found = [client.embeddings.create(model=model.id, input=text).data[0].embedding[0],
             client.embeddings.create(model=model.id, input=[text], encoding_format="float").data[0].embedding[0]]
    echoed = client.completions.create(model=model.id, prompt=f"{ASKED}\nAnswer:", echo=True, logprobs=1, max_tokens=0).choices[0]
    assert echoed.text.startswith(ASKED) and echoed.logprobs.token_logprobs[0] is None
    drawing = {"model": model.id, "prompt": "One, two, three, four,", "max_tokens": 24, "temperature": 0, "logprobs": 1}
    whole = client.completions.create(**drawing).choices[0]
    for stop in (whole.text[7:12], whole.text[9:10]):
        stopped = client.completions.create(**drawing, stop=["never there", stop]).choices[0]
        assert stopped.finish_reason == "stop" and stopped.text == whole.text.partition(stop)[0], (whole.text, stop, stopped)
        assert stopped.logprobs.text_offset == [at for at in whole.logprobs.text_offset if at < len(stopped.text)], stopped.logprobs
    return found


def cohere_client(address):
    """Its rerankers, of both versions: the reward of a document as the answer to the query."""
    if importlib.util.find_spec("cohere") is None:
        raise Missing("cohere")
    from cohere import Client, ClientV2

    asked = {"model": "tested", "query": ASKED, "documents": ["bananas", ANSWER], "top_n": 1}
    (first,), (second,) = (client(api_key="none", base_url=address).rerank(**asked).results for client in (Client, ClientV2))
    assert first.index == second.index == 1, (first, second)
    return [first.relevance_score, second.relevance_score]


def posted(url, body, opened=urllib.request.urlopen):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with opened(request, timeout=SECONDS) as reply:
        return json.load(reply)


def got(url):
    with urllib.request.urlopen(url, timeout=SECONDS) as reply:
        return json.load(reply)


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


def lm_eval_remote(address):
    """The same with this server's tokenizer, which it finds by itself: (sum of log pi, the template's text of a question)."""
    from lm_eval.models.openai_completions import LocalCompletionsAPI

    client = LocalCompletionsAPI(base_url=f"{address}/v1/completions", model="tested")
    assert client.tokenizer_backend == "remote" and client.eot_token_id == client.tok_encode("<|im_end|>")[0] == client.tokenizer.eos_token_id
    assert client.decode_batch([client.tok_encode("Caf\u00e9 Paris")]) == ["Caf\u00e9 Paris"]
    request = types.SimpleNamespace(args=(f"{ASKED}\nAnswer:", " Paris"))
    told = client.tokenizer.apply_chat_template([{"role": "system", "content": SYSTEM}, {"role": "user", "content": ASKED}])
    return client.loglikelihood([request], disable_tqdm=True)[0][0], told


def lm_eval_main(address):
    """The gguf client of its main branch, which forces each token of the continuation with a bias: (sum of log pi, greedy)."""
    context = posted(f"{address}/tokenize", {"content": f"{ASKED}\nAnswer:", "add_special": True})["tokens"]
    continuation = posted(f"{address}/tokenize", {"content": " Paris", "add_special": False})["tokens"]
    total, greedy = 0.0, True
    for place, target in enumerate(continuation):
        body = {"prompt": context + continuation[:place], "temperature": 0, "max_tokens": 1, "logprobs": 2, "logit_bias": [[target, 100]], "id_slot": 0}
        (entry,) = posted(f"{address}/v1/completions", body)["choices"][0]["logprobs"]["content"]
        assert entry["id"] == target, entry
        total += entry["logprob"]
        greedy = greedy and max(entry["top_logprobs"], key=lambda top: top["logprob"])["id"] == target
    return total, greedy


def trl(address, sequence, prompt_length, top):
    """TRL's teacher: the likeliest tokens of each place behind a prompt, by its client of servers."""
    try:
        import requests
        import urllib3
    except ImportError:
        raise Missing("requests") from None
    known = {"math": math, "ThreadPoolExecutor": concurrent.futures.ThreadPoolExecutor, "contextmanager": contextlib.contextmanager,
             "requests": requests, "HTTPAdapter": requests.adapters.HTTPAdapter, "Retry": urllib3.Retry, "urlparse": urllib.parse.urlparse,
             "is_requests_available": lambda: True, "is_vllm_available": lambda: True, "_DEFAULT_GENERATION_CONCURRENCY": 2,
             "time": time, "logger": logging.getLogger("client")}
    client = cut_out("trl", "generation/vllm_client.py", "VLLMClient", known)(base_url=address)
    assert client.model == "tested"
    return client.get_sequence_logprobs([sequence, sequence], [prompt_length] * 2, top_logprobs=top, chunk_size=1)


def slime(address, sequence, length):
    """Its on-policy distillation: log pi of the last tokens of a sequence."""
    body = {"input_ids": sequence, "sampling_params": {"temperature": 0, "max_new_tokens": 0, "skip_special_tokens": False},
            "return_logprob": True, "logprob_start_len": 0}
    told = posted(f"{address}/generate", body)["meta_info"]["input_token_logprobs"]
    return [item[0] for item in told[1:]][-length:]


def prime_rl(address, sequence, length):
    """Its teacher, which reads the first token that is told of each place."""
    body = {"model": "tested", "token_ids": sequence, "sampling_params": {"max_tokens": 1, "temperature": 1.0, "top_p": 1.0, "prompt_logprobs": 1}}
    told = posted(f"{address}/inference/v1/generate", body)["prompt_logprobs"]
    assert told[0] is None and len(told) == len(sequence)
    return [next(iter(place.values()))["logprob"] for place in told[-length:]]


def teachers(server, address, ran, missing):
    """Every teacher's shape has the log-probabilities of /v1/rewards."""
    prompt, response = (server.token_ids(text) for text in (PROMPT, ENDED))
    tokens = server.post("/v1/rewards", {"prompt_ids": prompt, "response_ids": response})[1]["responses"][0]["token_rewards"]["log_prob"]
    for client in (slime, prime_rl):
        assert near(client(address, prompt + response, len(response)), tokens, TOLERANCE), client.__name__
        ran.append(f"{client.__name__}'s teacher{BY_SHAPE}")
    try:
        told = trl(address, prompt + response, len(prompt), 20)
        assert near([place[0] for place in told["actual_logprobs"][0]], tokens, TOLERANCE), told["actual_logprobs"]
        assert all(len(place) == 20 and place == sorted(place, reverse=True) for place in told["logprobs"][1])
        ran.append("trl's teacher")
    except Missing as error:
        missing.append(f"trl ({error} is not installed)")


def run(endorm):
    if smollm2() is None:
        print("SKIPPED: SmolLM2 was never fetched")
        return
    with Served(endorm, smollm2(), "--quiet") as server:
        address = f"http://127.0.0.1:{server.port}"
        expected = server.post("/v1/rewards", {"system": SYSTEM, "prompt": ASKED, "response": ANSWER})[1]["responses"][0]["reward"]
        ran, missing = [], []
        body = {"prompt": ASKED, "response": ANSWER}
        without_system = server.post("/v1/rewards", body)[1]["responses"][0]["reward"]
        for client in (openrlhf, verl, llamafactory, lightrft, align_anything, nemo_gym, openai_client, cohere_client):
            try:
                found = client(address)
                wanted = without_system if client in (align_anything, cohere_client) else expected
                assert all(near(one, wanted, TOLERANCE) for one in found), (client.__name__, found, wanted)
                ran.append(client.__name__ + (BY_SHAPE if client in (lightrft, align_anything, nemo_gym) else ""))
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
            remote, told = lm_eval_remote(address)
            assert near(remote, log_prob, TOLERANCE) and told == PROMPT, (remote, log_prob, told)
            ran.append("lm_eval with this server's tokenizer")
        except Missing as error:
            missing.append(f"lm_eval ({error} is not installed)")
        body = {"prompt": f"{ASKED}\nAnswer:", "response": " Paris", "options": {"text": "raw"}}
        log_prob = server.post("/v1/rewards", body)[1]["responses"][0]["log_prob"]
        assert near(lm_eval_main(address)[0], log_prob, TOLERANCE), (lm_eval_main(address), log_prob)
        ran.append(f"lm_eval's main branch{BY_SHAPE}")
        teachers(server, address, ran, missing)
    print(f"clients that had the right numbers, by their own code where nothing else is said: {', '.join(ran)}")
    if missing:
        print("not run: " + ", ".join(missing))
