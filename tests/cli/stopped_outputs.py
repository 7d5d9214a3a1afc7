#!/usr/bin/env python3
"""A command that is ended while it writes leaves nothing behind: neither by Ctrl-C, nor by SIGTERM, nor by SIGKILL.

    stopped_outputs.py --endorm PATH

Each command reads records from a pipe that is held open. Blank lines, which are no records, say how far it is: when more of
them were taken than the pipe and a block of the reader hold, it waits for its next record with its outputs open.
"""
import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

TINY = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/engine_tiny_llama.gguf"
RECORD = {"id": "a", "prompt": "Hi", "chosen": "Hello.", "rejected": "No."}
BLANKS = b"\n" * (4 << 20)  # a pipe holds 64 KiB, a block of the reader 1 MiB
# What they write must not be there in the end; FIFO is the pipe.
COMMANDS = [
    "filter FIFO --scores scored.jsonl --agrees -o kept.jsonl",
    "filter FIFO --scores scored.jsonl --agrees -o kept.parquet",
    f"rank - -m {TINY} --template plain --threads 1 -o /dev/null --pairs pairs.jsonl",
    f"rank - -m {TINY} --template plain --threads 1 -o /dev/null --pairs pairs.parquet",
    f"score - -m {TINY} --template plain --threads 1 --top-k 2 -o teacher.npz",
]


def writes_parquet():
    return subprocess.run(["python3", "-c", "import pyarrow.parquet"], capture_output=True, check=False).returncode == 0


def stopped(endorm, command, ending):
    """Faults of one command ended by one signal."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "in.jsonl").write_text(json.dumps(RECORD) + "\n")
        subprocess.run([endorm, "score", "in.jsonl", "-m", TINY, "--template", "plain", "-o", "scored.jsonl"], cwd=folder,
                       check=True, capture_output=True)
        os.mkfifo(folder / "FIFO")
        before = sorted(os.listdir(folder))
        by_name = "FIFO" in command
        process = subprocess.Popen([endorm, *command.split()], cwd=folder, stdin=subprocess.DEVNULL if by_name else subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        pipe = open(folder / "FIFO", "wb", buffering=0) if by_name else process.stdin
        try:
            pipe.write((folder / "in.jsonl").read_bytes() + BLANKS)
            pipe.flush()
        except BrokenPipeError:
            pass  # it ended: its words say why
        if process.poll() is None:
            process.send_signal(ending)
        said = process.communicate(timeout=60)[1].decode() if not by_name else process.stderr.read().decode()
        pipe.close()
        status = process.wait()
        left = sorted(set(os.listdir(folder)) - set(before))
        where = f"{command} ended by {ending.name}"
        faults = [f"{where}: {name} is left" for name in left]
        if status != -ending:
            faults.append(f"{where}: exit status {status}: {said}")
        return faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--endorm", required=True, type=pathlib.Path)
    endorm = parser.parse_args().endorm.resolve()
    commands = [command for command in COMMANDS if "parquet" not in command or writes_parquet()]
    endings = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
    faults = [fault for command in commands for ending in endings for fault in stopped(endorm, command, ending)]
    print("\n".join(faults) or f"{len(commands)} commands ended by {len(endings)} signals left nothing")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
