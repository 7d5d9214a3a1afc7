#!/usr/bin/env python3
"""The speed of `endorm serve` under a trainer's load: OpenRLHF's single-sample requests, 64 at once, eight answers a prompt.

    serve_speed.py [--endorm PATH] [--build DIR] [--folder DIR] [--rounds N] [--quick] [--json FILE] [--page]

First the rewards of the command line, of our server and of the rival (bench/rival_reward_server.py: transformers and FastAPI
as people write it, at its faster type) are found equal within BUDGETS; then the rounds of all are interleaved, each on texts
that nobody has seen. Tokens a second count prompt and response of every sample. --page puts the table into
docs/performance.md. Needs fastapi and uvicorn beside what ./run bench needs.
"""
import argparse
import concurrent.futures
import http.client
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from models import known_models
from page import machine, say
from serve_page import put_into_page, result, section
from workloads import ROOT, own_pages

AT_ONCE, GROUP = 64, 8
LENGTHS = 390, 56  # words of prompt and response, about 800 and 150 tokens
LONG_PROMPTS = 1000, 24  # about 2,000 and 64
EQUAL = 8  # samples that are compared
# |delta reward| a sample, mean and worst: what bf16 may differ from f32 in a discounted sum of some 150 log-probabilities.
BUDGETS = {"f32": (0.02, 0.1), "bf16": (0.3, 1.5)}


class Texts:
    """Prompts and responses cut from this project's pages; every call goes on where the last ended."""

    def __init__(self, tokenizer):
        # Special tokens spelled out are text in a message and tokens in templated text: not the same number, as it must be.
        self.words = [word for word in " ".join(own_pages()).split() if "<|" not in word]
        self.tokenizer, self.place = tokenizer, 0

    def cut(self, count):
        found = " ".join(self.words[(self.place + i) % len(self.words)] for i in range(count))
        self.place += count + 1
        return f"{self.place}. {found}"  # the pages end sometime, and no text may come twice

    def samples(self, count, lengths=LENGTHS):
        """{"prompt", "response", "templated", "tokens"}: GROUP responses a prompt."""
        found = []
        while len(found) < count:
            prompt = self.cut(lengths[0])
            templated = self.tokenizer.apply_chat_template([{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True)
            for _ in range(min(GROUP, count - len(found))):
                response = self.cut(lengths[1])
                tokens = len(self.tokenizer(templated + response + "<|im_end|>", add_special_tokens=False).input_ids)
                found.append({"prompt": prompt, "response": response, "templated": templated, "tokens": tokens})
        return found


def request_reward(port, samples):
    """OpenRLHF's request of these samples: (rewards, seconds)."""
    body = {"query": [one["templated"] + one["response"] + "<|im_end|>" for one in samples],
            "prompts": [one["templated"] for one in samples], "labels": [None for _ in samples]}
    begin = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1800)
    connection.request("POST", "/get_reward", json.dumps(body), {"Content-Type": "application/json"})
    reply = connection.getresponse()
    content = reply.read()
    connection.close()
    if reply.status != 200:
        raise RuntimeError(f"status {reply.status}: {content[:500]!r}")
    return json.loads(content)["rewards"], time.perf_counter() - begin


def at_once(port, samples, clients):
    """Single-sample requests by so many clients: (rewards, seconds of each, seconds of all)."""
    begin = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        found = list(pool.map(lambda one: request_reward(port, [one]), samples))
    return [rewards[0] for rewards, _ in found], [took for _, took in found], time.perf_counter() - begin


class Server:
    def __init__(self, command, environment, log):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen([*map(str, command), "--port", str(self.port)], stderr=log, stdout=log, env=environment)
        for _ in range(6000):
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/health")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                time.sleep(0.05)
            if self.process.poll() is not None:
                raise RuntimeError(f"{command[0]} ended with status {self.process.returncode}; see runners.log")
        raise RuntimeError(f"{command[0]} does not answer")

    def close(self):
        self.process.terminate()
        self.process.wait()


def command_line(endorm, model, threads, samples, environment):
    """The batch scorer: (rewards, seconds without its start, which a record of two letters has)."""
    def timed(some):
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            file.write("".join(json.dumps({"prompt": one["prompt"], "response": one["response"]}) + "\n" for one in some))
            file.flush()
            begin = time.perf_counter()
            done = subprocess.run([endorm, "score", file.name, "--model", model, "--threads", str(threads), "--no-model-hash"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True, env=environment)
            return done.stdout, time.perf_counter() - begin

    out, took = timed(samples)
    _, start = timed([{"prompt": "a", "response": "b"}])
    return [json.loads(line)["responses"][0]["reward"] for line in out.splitlines()[1:]], took - start


def differences(found, reference):
    gaps = [abs(a - b) for a, b in zip(found, reference, strict=True)]
    return statistics.fmean(gaps), max(gaps)


def check(name, found, reference, precision):
    mean, worst = differences(found, reference)
    say(f"  {name}: mean |delta reward| {mean:.2g}, worst {worst:.2g}")
    if not (mean <= BUDGETS[precision][0] and worst <= BUDGETS[precision][1]):
        sys.exit(f"{name} is beyond its budget of {BUDGETS[precision]}: nothing is timed")


def speed(samples, seconds):
    return sum(one["tokens"] for one in samples) / seconds


class Bench:
    def __init__(self, arguments):
        import transformers

        self.arguments = arguments
        self.environment = dict(os.environ, OMP_WAIT_POLICY="passive")
        model = known_models(arguments.folder, arguments.build / "bench", arguments.endorm)["smollm2-135m"]()
        self.file = model.file("bf16")
        tokenizer = transformers.AutoTokenizer.from_pretrained(model.source.parent, gguf_file=model.source.name)
        self.folders = {dtype: model.transformers_folder(dtype) for dtype in ("float32", "bfloat16")}
        for folder in self.folders.values():
            tokenizer.save_pretrained(folder)
        self.texts = Texts(tokenizer)
        self.log = open(arguments.folder / "runners.log", "a", encoding="utf-8")
        self.servers = []

    def ours(self, *flags):
        command = [self.arguments.endorm, "serve", "--model", self.file, "--threads", self.arguments.threads, "--quiet", *flags]
        return self.start(command)

    def start(self, command):
        self.servers.append(Server(command, self.environment, self.log))
        return self.servers[-1]

    def rival(self, dtype):
        command = [sys.executable, ROOT / "bench/rival_reward_server.py", "--model", self.folders[dtype], "--dtype", dtype]
        return self.start([*command, "--threads", self.arguments.threads])

    def close(self):
        for server in self.servers:
            server.close()
        self.log.close()

    def scorer(self, samples):
        return command_line(self.arguments.endorm, self.file, self.arguments.threads, samples, self.environment)

    def gate(self):
        """Equality, and the rival's faster type."""
        samples = self.texts.samples(EQUAL)
        rivals = {dtype: self.rival(dtype) for dtype in ("float32", "bfloat16")}
        found, times = {}, {}
        for dtype, server in rivals.items():
            request_reward(server.port, samples[:1])
            found[dtype], _, times[dtype] = at_once(server.port, samples, EQUAL)
        reference = found["float32"]
        check("transformers bf16", found["bfloat16"], reference, "bf16")
        check("endorm score", self.scorer(samples)[0], reference, "bf16")
        check("endorm serve, 64 at once", at_once(self.server.port, samples, EQUAL)[0], reference, "bf16")
        check("endorm serve, nothing shared", [request_reward(self.alone.port, [one])[0][0] for one in samples], reference, "bf16")
        self.dtype = min(times, key=times.get)
        say(f"  the rival is faster in {self.dtype}: " + ", ".join(f"{dtype} {took:.1f} s" for dtype, took in times.items()))
        self.fastapi = rivals[self.dtype]

    def round(self, load, few):
        """One of each, on new texts: tokens a second by name, and the seconds of requests."""
        found = {}
        samples = self.texts.samples(load)
        found["scorer"] = speed(samples, self.scorer(samples)[1])
        samples = self.texts.samples(load)
        _, seconds, took = at_once(self.server.port, samples, AT_ONCE)
        found["server"] = speed(samples, took)
        samples = self.texts.samples(few)
        found["alone"] = speed(samples, sum(request_reward(self.alone.port, [one])[1] for one in samples))
        samples = self.texts.samples(few)
        found["rival"] = speed(samples, at_once(self.fastapi.port, samples, AT_ONCE)[2])
        samples = self.texts.samples(load, LONG_PROMPTS)
        found["server, long prompts"] = speed(samples, at_once(self.server.port, samples, AT_ONCE)[2])
        samples = self.texts.samples(few, LONG_PROMPTS)
        found["alone, long prompts"] = speed(samples, sum(request_reward(self.alone.port, [one])[1] for one in samples))
        idle = [request_reward(self.server.port, [one])[1] for one in self.texts.samples(GROUP)]
        short = {"templated": "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"}
        shorts = [request_reward(self.server.port, [short | {"response": f"Hello {self.texts.cut(3)}"}])[1] for _ in range(20)]
        say("  " + ", ".join(f"{name} {value:.0f}" for name, value in found.items()) + " tokens/s")
        return found, seconds, idle, shorts

    def measure(self):
        self.server = self.ours()
        self.alone = self.ours("--no-sharing", "--kept-tokens", "0", "--linger", "0")
        self.gate()
        load, few = (AT_ONCE, GROUP) if self.arguments.quick else (2 * AT_ONCE, 2 * GROUP)
        return [self.round(load, few) for _ in range(self.arguments.rounds)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release", help="where the programs of the bench are")
    parser.add_argument("--endorm", type=pathlib.Path, help="default: that of --build")
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build/bench", help="for model files")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--quick", action="store_true", help="half the samples a round")
    parser.add_argument("--json", type=pathlib.Path, help="what was measured")
    parser.add_argument("--page", action="store_true")
    arguments = parser.parse_args()
    arguments.endorm = (arguments.endorm or arguments.build / "endorm").resolve()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(arguments)
    try:
        found = result(bench.measure(), arguments.threads, bench.dtype)
    finally:
        bench.close()
    text = section(found, AT_ONCE, GROUP, machine())
    print(text)
    if arguments.json:
        arguments.json.write_text(json.dumps(found) + "\n")
    if arguments.page:
        put_into_page(text)


main()
