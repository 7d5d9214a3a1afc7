#!/usr/bin/env python3
"""Kills `endorm sft` or `endorm rl` at random moments and starts it again until it is done: the weights must be those of
an unbroken run.

    train_kill_and_resume.py --endorm PATH [--command sft|rl] [--seed N] [--kills N]

model.gguf must be equal byte for byte, and the log must hold every step once with the same loss.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

STEPS = {"sft": 200, "rl": 40}
CONFIG = """
data = "in.jsonl"
[[reward]]
aggregation = "mean"
[reward_model]
refresh_every = 15
[rollout]
prompts = 2
group = 3
max_tokens = 6
[update]
learning_rate = 1e-3
device = "cpu"
compute = "f32"
[watch]
checkpoint_every = 4
[guards]
least_entropy = false
least_entropy_of_start = false
least_length = false
least_length_of_start = false
greatest_kl = false
"""
TINY = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/engine_tiny_llama.gguf"


def losses(path, steps):
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert "manifest" in rows[0], rows[0]
    steps_of = [row for row in rows[1:] if "sample" not in row]
    assert [row["step"] for row in steps_of] == list(range(1, steps + 1)), "the log has not every step once"
    return [row["loss"] for row in steps_of]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--endorm", required=True, type=pathlib.Path)
    parser.add_argument("--command", choices=STEPS, default="sft")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--kills", type=int, default=10)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    moments = random.Random(arguments.seed)
    steps = STEPS[arguments.command]
    with tempfile.TemporaryDirectory(prefix="endorm-kill-") as name:
        folder = pathlib.Path(name)
        with open(folder / "in.jsonl", "w") as file:
            for number in range(20):
                file.write(json.dumps({"prompt": f"{number}+1?", "response": f"{number + 1}"}) + "\n")

        (folder / "run.toml").write_text(CONFIG)

        def command(directory):
            common = ["-o", directory, "--model", TINY, "--steps", str(steps)]
            if arguments.command == "rl":
                return [arguments.endorm.resolve(), "rl", "run.toml", *common, "--template", "raw"]
            return [arguments.endorm.resolve(), "sft", "in.jsonl", *common, "--batch", "4", "--checkpoint-every", "10",
                    "--device", "cpu", "--compute", "f32"]

        start = time.monotonic()
        subprocess.run(command("whole"), cwd=folder, check=True, capture_output=True)
        seconds = time.monotonic() - start
        kills = resumed = 0
        done = False
        while not done:
            resumed += kills > 0 and (folder / "out/checkpoint").exists()
            process = subprocess.Popen(command("out"), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            try:
                process.wait(moments.uniform(0.1, 0.6) * seconds if kills < arguments.kills else None)
                assert process.returncode == 0, process.stderr.read().decode()
                done = True
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                kills += 1
        assert kills > 0, "no moment was early enough"
        assert (folder / "out/model.gguf").read_bytes() == (folder / "whole/model.gguf").read_bytes(), \
            f"after {kills} kills the weights differ from those of an unbroken run"
        assert losses(folder / "out/run.jsonl", steps) == losses(folder / "whole/run.jsonl", steps)
        left = sorted(path.name for path in (folder / "out").iterdir() if not path.name.startswith("events."))
        kept = ["products", "reward-model-30.gguf"] if arguments.command == "rl" else []
        assert left == sorted(["checkpoint", "model.gguf", "run.jsonl", *kept]), f"left-overs: {left}"
        print(f"unbroken run {seconds:.1f} s; {kills} kills, {resumed} resumed; equal weights and losses")
    return 0


if __name__ == "__main__":
    sys.exit(main())
