#!/usr/bin/env python3
"""`endorm models convert` on tiny checkpoints that transformers and PEFT write, held to transformers' own numbers.

    convert_checkpoint.py --endorm PATH --llama LLAMA_CPP [--only TEXT]

Needs an interpreter with torch, transformers, PEFT and what the converter imports: $ENDORM_CONVERT_PYTHON, python3, or one
below build/deps. Without one it is skipped, aloud: CI installs none. By hand:

    python3 -m venv V && V/bin/pip install torch==2.13.0 transformers==5.23.0 peft sentencepiece protobuf requests
    ENDORM_CONVERT_PYTHON=V/bin/python ctest --test-dir build/release -R cli_convert_checkpoint --output-on-failure
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
NEEDED = "torch transformers peft sentencepiece safetensors google.protobuf numpy tqdm yaml requests"
# Mean nats: where products are ours (exact f32) both sides compute in f32; llama.cpp's own kernels round activations.
BOUND = {"exact f32": 1e-5, "exact native": 5e-2, "native": 5e-2}


def interpreter():
    """One that can write checkpoints and convert them; None where there is none."""
    given = os.environ.get("ENDORM_CONVERT_PYTHON")
    below = [str(ROOT / "build/deps" / name / "bin/python") for name in ("python", "torch")]
    for candidate in [given] if given else ["python3", *below]:
        look = f"import importlib.util as u; assert all(u.find_spec(n) for n in {NEEDED.split()!r})"
        try:
            if subprocess.run([candidate, "-c", look], capture_output=True, check=False).returncode == 0:
                return shutil.which(candidate)
        except FileNotFoundError:
            continue
    return None


class Bench:
    """A directory with the checkpoints, and the command."""

    def __init__(self, endorm, python, folder):
        self.endorm, self.python, self.folder = endorm, python, folder
        self.environment = dict(os.environ, ENDORM_CACHE_DIR=str(folder / "cache"), HF_HUB_OFFLINE="1")

    def words(self, *arguments):
        return [self.endorm, "models", "convert", *arguments, "--python", self.python]

    def convert(self, *arguments, status=0):
        done = subprocess.run(self.words(*arguments), cwd=self.folder, env=self.environment, capture_output=True,
                              text=True, check=False)
        assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        left = [path.name for path in self.folder.glob(".endorm-convert-*")]
        assert not left, left
        return done.stdout, done.stderr

    def reward(self, *arguments):
        record = json.dumps({"prompt": "The rooms of the house", "response": " are many."})
        done = subprocess.run([self.endorm, "score", "-", "--template", "raw", *arguments], input=record + "\n",
                              cwd=self.folder, env=self.environment, capture_output=True, text=True, check=True)
        return json.loads(done.stdout.splitlines()[-1])["responses"][0]["reward"]


def checked(out, mean_of_type):
    """What --check printed: every text the same tokens, and as near as the arithmetic allows."""
    assert "as transformers cuts them in 4 of 4 texts" in out, out
    arithmetic, mean = re.search(r"tokens \((.*?)\), .* mean difference (\S+) nats", out).groups()
    assert float(mean) <= BOUND[arithmetic], out
    type_mean = re.search(r"itself changes, in transformers: mean (\S+) nats", out)
    assert (type_mean is not None) == mean_of_type, out
    assert not type_mean or 1e-6 < float(type_mean.group(1)) < 0.1, out


def test_models(bench):
    for name, kind, described in [("llama", "f32", "llama .*F32"), ("llama", "q8_0", "llama .*Q8_0"),
                                  ("qwen3", "bf16", "qwen3 .*BF16"), ("gemma3", "f16", "gemma3 .*F16")]:
        out, err = bench.convert(name, "--type", kind, "--check")
        assert (bench.folder / f"{name}-{kind}.gguf").stat().st_size > 100000, out
        assert re.search(f"loads as   {described}, [0-9]+ parameters, context 512", out), out
        assert "template   the checkpoint's chat template" in out, out
        assert f"Converting {name} to {kind}\n" in err and "Setting up" not in err, err
        checked(out, mean_of_type=kind != "f32")


def test_adapter(bench):
    """Its model is the one that it names, a path of where it was trained."""
    out, _ = bench.convert("adapter", "--model", "llama-f32.gguf", "--check")
    checked(out, mean_of_type=False)
    plain = bench.reward("-m", "llama-f32.gguf")
    assert abs(bench.reward("-m", "llama-f32.gguf", "--lora", "adapter-f32.gguf") - plain) > 0.1
    out, _ = bench.convert("adapter", "--base", "llama", "-o", "again.gguf")
    assert "an adapter of 21 matrices" in out, out
    _, err = bench.convert("adapter", "--model", "qwen3-bf16.gguf", "-o", "other.gguf", status=1)
    assert "other.gguf is written, but cannot be used" in err, err


def test_adapters_refused(bench):
    for name, value, words in [("use_rslora", True, "sets use_rslora, which the converter does not read"),
                               ("peft_type", "IA3", "an adapter of type IA3")]:
        folder = bench.folder / f"adapter_{name}"
        shutil.copytree(bench.folder / "adapter", folder)
        settings = json.loads((folder / "adapter_config.json").read_text())
        (folder / "adapter_config.json").write_text(json.dumps({**settings, name: value}))
        _, err = bench.convert(folder.name, status=2)
        assert words in err, err
    _, err = bench.convert("adapter", "--base", "org/no-such-model", "-o", "x.gguf", status=2)
    assert "give its directory with --base" in err, err


def test_a_model_that_llama_cpp_computes_otherwise(bench):
    out, err = bench.convert("gemma3_of_another_pattern", "--check", status=1)
    assert "4 of 4 texts" in out and "does not compute what transformers computes" in err, out + err


def test_refused_in_the_converters_words(bench):
    unknown = bench.folder / "unknown"
    shutil.copytree(bench.folder / "llama", unknown)
    text = (unknown / "config.json").read_text()
    (unknown / "config.json").write_text(text.replace("LlamaForCausalLM", "FooForCausalLM").replace('"llama"', '"foo"'))
    cut = bench.folder / "cut"
    shutil.copytree(bench.folder / "llama", cut)
    os.truncate(cut / "model.safetensors", 100000)
    bare = bench.folder / "bare"
    shutil.copytree(bench.folder / "llama", bare, ignore=shutil.ignore_patterns("tokenizer*"))
    (bench.folder / "kept.gguf").write_text("old")
    for folder, words in [(unknown, "does not convert unknown: Model FooForCausalLM is not supported\n"),
                          (cut, "does not convert cut: ValueError: mmap length is greater than file size\n"),
                          (bare, "does not convert bare: .*tokenizer")]:
        _, err = bench.convert(folder.name, "-o", "kept.gguf", "--overwrite", status=2)
        assert re.search(words, err) and "Traceback" not in err, err
        assert (bench.folder / "kept.gguf").read_text() == "old"


def test_full_disk(bench):
    """The world's fault, and what was there stays."""
    bench.convert("llama", "-o", "kept.gguf", "--overwrite")  # the converter is unpacked before the limit is there
    (bench.folder / "kept.gguf").write_text("old")
    words = ["bash", "-c", 'ulimit -f 200; exec "$@"', "-", *bench.words("llama", "-o", "kept.gguf", "--overwrite")]
    done = subprocess.run(words, cwd=bench.folder, env=bench.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "the disk is full, or a limit on the size of files" in done.stderr, done.stderr
    assert (bench.folder / "kept.gguf").read_text() == "old" and not list(bench.folder.glob(".endorm-convert-*"))


def test_names(bench):
    """Blanks and braces, which the converter would read as its own."""
    shutil.copytree(bench.folder / "llama", bench.folder / "a model {ftype}")
    out, _ = bench.convert("a model {ftype}/")
    assert "written    a model {ftype}-bf16.gguf" in out and (bench.folder / "a model {ftype}-bf16.gguf").exists(), out


def test_hub_not_reached(bench):
    _, err = bench.convert("org/model", status=1)
    assert "Fetching org/model from the hub\n" in err and "as a repository of the hub it cannot be had: " in err, err


def test_stopped(bench):
    """Stopped while the converter runs, alone, as `kill` does it: no half file, no process, and by that signal."""
    for number in (signal.SIGINT, signal.SIGTERM):
        run = subprocess.Popen(bench.words("qwen3", "-o", "stopped.gguf"), cwd=bench.folder, env=bench.environment,
                               stderr=subprocess.PIPE, text=True)
        assert run.stderr.readline() == "Converting qwen3 to bf16\n"
        time.sleep(1.0)
        run.send_signal(number)
        words = run.stderr.read()  # until the tool has closed it, too
        assert run.wait(20) == -number, (run.returncode, words)
        assert "stopped; what was half made is gone" in words, words
        assert not list(bench.folder.glob("stopped*")) and not list(bench.folder.glob(".endorm-convert-*"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--endorm", required=True)
    parser.add_argument("--llama", required=True, type=pathlib.Path, help="llama.cpp's sources")
    parser.add_argument("--only", default="", help="tests whose name has this")
    arguments = parser.parse_args()
    python = interpreter()
    if not python:
        print(f"SKIPPED: no interpreter with {NEEDED.replace(' ', ', ')}: see the head of {pathlib.Path(__file__).name}")
        return
    with tempfile.TemporaryDirectory(prefix="endorm-convert-") as folder:
        bench = Bench(os.path.abspath(arguments.endorm), python, pathlib.Path(folder))
        # As a user would: where the checkpoints are is where the adapter says that its model is.
        subprocess.run([python, "-B", str(ROOT / "tests/cli/tiny_checkpoints.py"), ".", "--vocabularies",
                        str(arguments.llama.resolve() / "models")], cwd=folder, capture_output=True, check=True)
        for name, test in list(globals().items()):
            if name.startswith("test_") and arguments.only in name:
                start = time.monotonic()
                test(bench)
                print(f"ok {name} ({time.monotonic() - start:.1f} s)", flush=True)


if __name__ == "__main__":
    sys.exit(main())
