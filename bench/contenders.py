"""Who is measured, each in a process of its own that waits for its turn."""

import dataclasses
import json
import subprocess
import sys

# What a precision may be off from f32, mean and worst |delta log pi| of a token. A contender beyond it is not timed. They
# are about twice what llama.cpp and transformers show on the texts of the bench: room for noise, none for a defect.
BUDGETS = {
    "f32": (0.01, 0.5),
    "f16": (0.02, 1.0),
    "bf16": (0.06, 2.0),
    "q8_0": (0.15, 3.0),
    "q4_0": (1.2, 20.0),
    "exact": (0.06, 2.0),
    "fast": (0.15, 3.0),
    "native": (0.06, 2.0),
}
# Whose ceiling the products of a weight type are held against. f16 weights are multiplied in f32 on these processors.
PRODUCTS = {"f32": "f32", "f16": "f32", "bf16": "bf16", "q8_0": "int8", "q4_0": "int8"}
FAST = ("q8_0", "q4_0", "fast")  # products of integers; the others answer for exactness


@dataclasses.dataclass(frozen=True)
class Contender:
    engine: str  # "llama.cpp", "transformers" or "ours"
    precision: str
    weights: str  # type of the weights in the file
    shares: bool = False  # prompts are computed once

    @property
    def name(self):
        return f"{self.engine} {self.precision}" + (f" ({self.weights} file)" if self.engine == "ours" else "")

    @property
    def fast(self):
        return self.precision in FAST

    @property
    def budget(self):
        return BUDGETS[self.precision]

    def command(self, model, threads):
        if self.engine == "transformers":
            dtype = {"f32": "float32", "bf16": "bfloat16"}[self.precision]
            program = [sys.executable, "bench/transformers_runner.py", "--model", model.transformers_folder(dtype)]
            return [*program, "--dtype", dtype, "--threads", threads]
        if self.engine == "llama.cpp":
            return [model.programs / "run_llama_cpp", "--model", model.file(self.weights), "--threads", threads]
        program = [model.programs / "run_ours", "--model", model.file(self.weights)]
        return [*program, "--precision", self.precision, "--threads", threads]


REFERENCE = Contender("transformers", "f32", "f32")
RIVALS = [REFERENCE, Contender("transformers", "bf16", "bf16")]
OURS = [Contender("ours", precision, "bf16", shares=True) for precision in ("exact", "fast", "native")]
LLAMA_CPP = [Contender("llama.cpp", weights, weights) for weights in ("f32", "f16", "bf16", "q8_0", "q4_0")]
CONTENDERS = [*LLAMA_CPP, *RIVALS, *OURS]


class Runner:
    """A contender's process: it answers a line of JSON with a line of JSON (bench/runner_loop.h)."""

    def __init__(self, contender, model, threads, log):
        self.contender, self.name = contender, contender.name
        command = map(str, contender.command(model, threads))
        self.process = subprocess.Popen(list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        self.products = self.answer()["products"] or PRODUCTS[contender.weights]

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended with status {self.process.wait()}; see runners.log")
        return json.loads(line)

    def ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def do(self, what, file, **more):
        return self.ask({"do": what, "workload": str(file), **more})

    def close(self):
        self.process.stdin.close()
        self.process.wait()
