#!/usr/bin/env python3
"""Steps a minute of reinforcement learning, `endorm rl` beside TRL's GRPOTrainer on PyTorch:

    python3 bench/rl_speed.py ENDORM MODEL.gguf --folder FOLDER [--rounds 3] [--steps 2] [--threads 2] [--at-once 16,32]

The same model, prompts, group, longest response, type (f32, every weight learns), loss and optimiser: GRPO with the mean
over tokens, without a KL, rewarded by the grader. First a step of ours, with a reward that is never the same twice, is
logged whole, and TRL's own functions read the same tokens: log-probabilities, loss and gradient must be equal, or nothing
is timed. Then the rounds of both take turns,
each a process of its own whose first step only warms up. TRL has, of the sequences at once that --at-once names and of
f32 and bf16 (with --bf16), what is fastest. A response ends where it ends, so the tokens that were drawn stand beside
the time. Processor seconds are there for machines that others use too. FOLDER keeps the model as transformers reads it.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import gguf

from models import save_for_transformers
from page import say, table

LOG_PROB_TOLERANCE = 1e-3  # nats, the worst token
MEAN_TOLERANCE = 1e-4  # nats, the mean
LOSS_TOLERANCE = 1e-4
GRADIENT_TOLERANCE = 1e-3  # relative, of the norm
CHECKED_TOKENS = 24  # longest response of the step that is compared
SEEDS = 8  # tried until every token of that step can be told by its text: part of a letter cannot
EPSILON = 1e-4  # TRL's, beside the deviation of a group
LEARNING_RATE = 1e-6  # small: the policy, and with it the length of its responses, stays what it is
QUESTIONS = [
    ("Tom has 17 apples and buys 12 more. How many apples does Tom have now?", "29"),
    ("There are 4 boxes with 13 pencils each. How many pencils are there in all?", "52"),
    ("Anna has 15 marbles and gives 6 of them to Ben. How many marbles does Anna have left?", "9"),
    ("Mia has 8 books. Sam has 5 more than Mia. How many books do they have together?", "21"),
    ("Leo buys 3 bags of 7 shells and finds 9 more. How many shells does Leo have?", "30"),
    ("Nina has 20 cards and buys 14 more. How many cards does Nina have now?", "34"),
    ("There are 6 boxes with 8 coins each. How many coins are there in all?", "48"),
    ("Omar has 11 stickers. Eva has 7 more than Omar. How many stickers do they have together?", "29"),
]
ASK = " Think in short steps and end with \\boxed{the number}."


def config_of(arguments, data, check):
    """Ours, in TOML."""
    return f"""data = "{data}"
[[reward]]
source = "{'endogenous' if check else 'verified'}"
aggregation = "mean"
[rollout]
prompts = {len(QUESTIONS)}
group = {arguments.group}
max_tokens = {CHECKED_TOKENS if check else arguments.max_tokens}
[update]
learning_rate = {LEARNING_RATE}
decay = "none"
compute = "f32"
pass_tokens = {arguments.pass_tokens}
[guards]
least_entropy = false
least_entropy_of_start = false
least_length = false
least_length_of_start = false
greatest_length_of_start = false
greatest_kl = false
[watch]
samples_every = {1 if check else 0}
samples = {len(QUESTIONS) * arguments.group}
checkpoint_every = 1000000
"""


def run_ours(arguments, name, steps, seed, check=False):
    """-> the lines of the log, processor seconds and peak memory in MB of the whole process."""
    folder = arguments.folder / name
    data, config = arguments.folder / "questions.jsonl", arguments.folder / f"{name}.toml"
    data.write_text("".join(json.dumps({"prompt": q + ASK, "answer": a}) + "\n" for q, a in QUESTIONS))
    config.write_text(config_of(arguments, data, check))
    for old in folder.glob("*"):
        if old.is_file():
            old.unlink()
    command = [arguments.endorm, "rl", config, "-o", folder, "--model", arguments.model, "--steps", str(steps)]
    command += ["--threads", str(arguments.threads), "--seed", str(seed)]
    environment = os.environ | {"OMP_NUM_THREADS": str(arguments.threads)}
    process = subprocess.Popen(list(map(str, command)), env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with status {status}")
    lines = [json.loads(line) for line in (folder / "run.jsonl").read_text().splitlines()[1:]]
    return lines, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def run_trl(arguments, at_once, bf16=False, **what):
    spec = {"model": str(arguments.transformers_folder), "threads": arguments.threads, "seed": arguments.seed}
    spec |= {"tokenizer": {"folder": str(arguments.model.parent), "file": arguments.model.name}, "at_once": at_once}
    spec |= {"bf16": bf16, "group": arguments.group, "max_tokens": arguments.max_tokens, "learning_rate": LEARNING_RATE}
    spec |= {"data": [{"prompt": q + ASK, "answer": a} for q, a in QUESTIONS], "steps": 1} | what
    path = arguments.folder / "trl.json"
    path.write_text(json.dumps(spec))
    script = pathlib.Path(__file__).with_name("trl_grpo.py")
    with open(arguments.folder / "trl.log", "a", encoding="utf-8") as log:
        done = subprocess.run([sys.executable, script, path], check=True, stdout=subprocess.PIPE, stderr=log)
    return json.loads(done.stdout.splitlines()[-1])


def token_ids(arguments):
    """Text of a token -> its number, for the tokens whose text no other has."""
    tokens = gguf.GGUFReader(arguments.model).fields["tokenizer.ggml.tokens"].contents()
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {chr(byte): byte for byte in printable}
    others = (byte for byte in range(256) if byte not in printable)
    letters |= {chr(256 + place): byte for place, byte in enumerate(others)}  # how byte-level BPE spells bytes
    found = {}
    for number, token in enumerate(tokens):
        special = any(letter not in letters for letter in token)
        text = token if special else bytes(letters[letter] for letter in token).decode(errors="replace")
        found[text] = None if text in found else number
    return found


def sequences_of(lines, ids):
    """What a logged step drew: prompt, tokens, reward, log-probabilities of the trainer."""
    sequences = []
    for sample in (line["sample"] for line in lines if "sample" in line):
        texts, log_probs = sample["token_rewards"]["text"], sample["token_rewards"]["log_prob"]
        if any(ids.get(text) is None for text in texts):
            return None
        sequences.append({"prompt": sample["prompt"], "completion": [ids[text] for text in texts]})
        sequences[-1] |= {"reward": sample["reward"], "log_prob": log_probs}
    return sequences


def add_advantages(sequences, group):
    for first in range(0, len(sequences), group):
        rewards = [sequence["reward"] for sequence in sequences[first : first + group]]
        mean, deviation = statistics.fmean(rewards), statistics.stdev(rewards)
        for sequence, reward in zip(sequences[first : first + group], rewards, strict=True):
            sequence["advantage"] = (reward - mean) / (deviation + EPSILON)


def check_equal(arguments, at_once):
    ids, sequences = token_ids(arguments), None
    for seed in range(arguments.seed, arguments.seed + SEEDS):
        lines, _, _ = run_ours(arguments, "ours-check", 1, seed, check=True)
        sequences = sequences_of(lines, ids)
        if sequences is not None:
            break
    else:
        sys.exit("in no step that was tried all tokens can be told by their texts; give another --seed")
    add_advantages(sequences, arguments.group)
    found = run_trl(arguments, at_once, do="check", sequences=sequences)
    gaps = [
        abs(a - b)
        for mine, its in zip(sequences, found["log_probs"], strict=True)
        for a, b in zip(mine["log_prob"], its, strict=True)
    ]
    step = next(line for line in lines if "sample" not in line)
    loss_gap = abs(step["loss"] - found["loss"])
    gradient_gap = abs(step["gradient_norm"] / found["gradient_norm"] - 1)
    say(f"{len(gaps)} tokens: log-probabilities off by {statistics.fmean(gaps):.2g} nat, at worst {max(gaps):.2g};")
    say(f"loss {step['loss']:.6f} and {found['loss']:.6f}; gradient's norm {step['gradient_norm']:.5f} and", end=" ")
    say(f"{found['gradient_norm']:.5f}; rollout mismatch {step['rollout_mismatch']:.2g} nat")
    equal = max(gaps) <= LOG_PROB_TOLERANCE and statistics.fmean(gaps) <= MEAN_TOLERANCE
    if not (equal and loss_gap <= LOSS_TOLERANCE and gradient_gap <= GRADIENT_TOLERANCE):
        sys.exit("that is not equal: nothing is timed")


def our_round(arguments, around):
    """`around`: processor seconds of a run of one step; what a longer one needs beyond them are its other steps."""
    lines, processor, memory = run_ours(arguments, "ours-timed", 1 + arguments.steps, arguments.seed)
    steps = []
    for line in (line for line in lines if "sample" not in line and line["step"] > 1):
        seconds = {part: line[f"seconds/{part}"] for part in ("rollout", "reward", "update")}
        tokens = line["length"] * len(QUESTIONS) * arguments.group
        steps.append(seconds | {"seconds": sum(seconds.values()), "tokens": tokens})
        steps[-1]["processor"] = (processor - around) / arguments.steps
    return steps, memory


def trl_round(arguments, setting):
    found = run_trl(arguments, *setting, do="run", steps=1 + arguments.steps)
    return [step | {"reward": 0.0} for step in found["steps"][1:]], found["peak_memory_mb"]


def fastest_setting(arguments):
    """Sequences at once and type in which TRL's second step is fastest by processor time."""
    settings = [(at_once, bf16) for at_once in arguments.at_once for bf16 in ([False, True] if arguments.bf16 else [False])]
    if len(settings) == 1:
        return settings[0]
    took = {}
    for setting in settings:
        took[setting] = run_trl(arguments, *setting, do="run", steps=2)["steps"][1]["processor"]
        say(f"TRL, {setting[0]} at once, {'bf16' if setting[1] else 'f32'}: {took[setting]:.1f} processor seconds a step")
    return min(took, key=took.get)


def tables(rows, memory):
    parts = ("seconds", "rollout", "reward", "update", "processor", "tokens")
    heads = ["", "steps a minute", "seconds a step", "rollout", "reward", "update", "processor seconds", "tokens", "MB"]
    middle = {name: {part: statistics.median(step[part] for step in steps) for part in parts} for name, steps in rows.items()}
    cells = [[name, f"{60 / of['seconds']:.2f}", *(f"{of[part]:.1f}" for part in parts[:-1]), f"{of['tokens']:.0f}",
              f"{memory[name]:.0f}"] for name, of in middle.items()]
    ours, trl = middle["ours"], middle["TRL"]
    ratio = trl["seconds"] / ours["seconds"]
    work = ratio * ours["tokens"] / trl["tokens"]
    processor = trl["processor"] / ours["processor"]
    return table(heads, cells) + f"\nsteps {ratio:.2f} times TRL's, by the token drawn {work:.2f}; of processor time {processor:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("endorm", type=pathlib.Path)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    for name, standard in (("rounds", 3), ("steps", 2), ("threads", os.cpu_count()), ("group", 8), ("max-tokens", 96)):
        parser.add_argument(f"--{name}", type=int, default=standard)
    parser.add_argument("--pass-tokens", type=int, default=4096, help="ours, of update.pass_tokens")
    parser.add_argument("--at-once", type=lambda text: list(map(int, text.split(","))), default=[16, 32, 64])
    parser.add_argument("--bf16", action="store_true", help="TRL under bf16 autocast, too")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.folder = arguments.folder.resolve()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    arguments.endorm, arguments.model = arguments.endorm.resolve(), arguments.model.resolve()
    arguments.transformers_folder = arguments.folder / "transformers-f32"
    save_for_transformers(arguments.model, arguments.transformers_folder, "float32")

    check_equal(arguments, arguments.at_once[0])
    _, around, _ = run_ours(arguments, "ours-around", 1, arguments.seed)  # its processor seconds: loading, a step, writing
    setting = fastest_setting(arguments)
    rows, memory = {"ours": [], "TRL": []}, {"ours": 0.0, "TRL": 0.0}
    for _ in range(arguments.rounds):
        for name, done in (("ours", lambda: our_round(arguments, around)), ("TRL", lambda: trl_round(arguments, setting))):
            begin = time.monotonic()
            steps, peak = done()
            rows[name] += steps
            memory[name] = max(memory[name], peak)
            say(f"{name}: {[round(step['seconds'], 1) for step in steps]} s a step ({time.monotonic() - begin:.0f} s in all)")
    print(f"TRL: {setting[0]} sequences at once, {'bf16 autocast' if setting[1] else 'f32'}; {arguments.threads} threads\n")
    print(tables(rows, memory))


main()
