#!/usr/bin/env python3
"""Kills a command at random moments and starts it again until it is done: no row may be lost, repeated or changed.

    kill_and_resume.py --endorm PATH [--command score|bench|eval] [--seed N] [--kills N]

The file that comes of it must equal that of a run that nothing stopped, byte for byte, but for the manifest's "run"
(when and where it was made). A run that is done before the last kill is begun anew.
"""
import argparse
import json
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

RECORDS = 40
LATEST_KILL = 8.0  # seconds after the start; keeps the test short on a machine that is busy
# What is killed: its arguments, the file that grows, a row a record, and what else it leaves.
COMMANDS = {
    "score": (["score", "in.jsonl", "--tokens", "-o", "DIRECTORY/rows.jsonl"], "rows.jsonl", []),
    "bench": (["bench", "pairs", "--data", "in.jsonl", "--no-cache", "--resamples", "0", "--shown", "0", "--rows",
               "DIRECTORY", "--json", "DIRECTORY/result.json"], "pairs.endorm.jsonl", ["result.json"]),
    # A run that goes on draws its samples beside others: in f32 no draw is so near a border that this turns it (with
    # llama.cpp's flash attention some are).
    "eval": (["eval", "math", "--suite", "in.jsonl", "--model", "TINY", "--base", "--kv-type", "f32",
              "--flash-attention", "off", "--batch-tokens", "8", "--samples", "2", "--max-tokens", "24", "--no-cache",
              "--resamples", "0", "--rows", "DIRECTORY", "--judge", "length", "--json", "DIRECTORY/result.json"],
             "samples.jsonl", ["rewards.length.jsonl", "result.json"]),
}
TINY = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/engine_tiny_llama.gguf"


def write_records(path, command):
    """Few tokens, for speed, and long ids: bytes decide how many windows there are, each forced to disk by itself."""
    with open(path, "w") as file:
        for i in range(RECORDS):
            question = f"{i}+{i + 1}?" + (200 * " " if i % 2 else "")  # bench: the bytes of its texts
            asked = {"question": question, "answer": 2 * i + 1} if command == "eval" else {
                "prompt": question, "chosen": f"{2 * i + 1}.", "rejected": f"{2 * i}."}
            file.write(json.dumps({"id": f"record {i} " + 200 * "-", **asked}) + "\n")


def content(path):
    """The lines of a result file, the manifest without "run"."""
    lines = path.read_text().splitlines()
    manifest = json.loads(lines[0])
    manifest["manifest"].pop("run", None)
    return [json.dumps(manifest), *lines[1:]]


def whole_rows(path):
    return path.read_bytes().count(b"\n") - 1 if path.exists() and path.stat().st_size else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--endorm", required=True, type=pathlib.Path)
    parser.add_argument("--command", choices=COMMANDS, default="score")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--kills", type=int, default=20)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    moments = random.Random(arguments.seed)
    words, grows, others = COMMANDS[arguments.command]

    with tempfile.TemporaryDirectory(prefix="endorm-kill-") as name:
        folder = pathlib.Path(name)
        write_records(folder / "in.jsonl", arguments.command)
        for directory in ("whole", "out"):
            (folder / directory).mkdir()

        def command(directory):
            return [arguments.endorm.resolve(),
                    *(word.replace("DIRECTORY", directory).replace("TINY", str(TINY)) for word in words)]

        def check_finished(kills):
            assert content(output) == expected, f"after {kills} kills the file differs from that of an unbroken run"
            for other in others:
                assert (folder / "out" / other).read_bytes() == (folder / "whole" / other).read_bytes(), \
                    f"after {kills} kills {other} differs from that of an unbroken run"

        start = time.monotonic()
        subprocess.run(command("whole"), cwd=folder, check=True, capture_output=True)
        seconds = time.monotonic() - start
        expected = content(folder / "whole" / grows)
        assert len(expected) == RECORDS + 1, f"{len(expected) - 1} rows for {RECORDS} records"

        output = folder / "out" / grows
        kills = complete = between = 0
        while kills < arguments.kills:
            before = whole_rows(output)
            start = time.monotonic()
            process = subprocess.Popen(command("out"), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            try:
                # Later than the whole run takes, too: the moments around the last row count as well.
                process.wait(moments.uniform(0, min(1.05 * seconds, LATEST_KILL)))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
                between += 0 < whole_rows(output) < RECORDS
                assert whole_rows(output) >= before, f"kill {kills}: {whole_rows(output)} rows, {before} were there"
                continue
            assert process.returncode == 0, process.stderr.read().decode()
            check_finished(kills)
            complete += 1
            if before == 0:
                seconds = min(seconds, time.monotonic() - start)
            output.unlink()
        last = subprocess.run(command("out"), cwd=folder, capture_output=True, text=True, check=True)
        check_finished(kills)
        for directory in ("whole", "out"):
            left = sorted(path.name for path in (folder / directory).iterdir())
            assert left == sorted([grows, *others]), f"left-overs in {directory}: {left}"
        print(f"unbroken run {seconds:.1f} s; {kills} kills, {between} of them with some of the rows written; "
              f"{complete + 1} files, all equal to the unbroken one")
        print(last.stderr.strip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
