#!/usr/bin/env python3
"""The progress line: rate and time left on a terminal, nothing where standard error is none.

    progress_line.py --endorm PATH
"""
import argparse
import errno
import json
import os
import pathlib
import pty
import re
import subprocess
import sys
import tempfile


def read_all(descriptor):
    """What a terminal showed until its last writer left."""
    shown = b""
    while True:
        try:
            block = os.read(descriptor, 4096)
        except OSError as error:
            if error.errno != errno.EIO:  # what a pseudo-terminal says when the other end is closed
                raise
            block = b""
        if not block:
            return shown.decode()
        shown += block


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--endorm", required=True, type=pathlib.Path)
    endorm = parser.parse_args().endorm.resolve()
    with tempfile.TemporaryDirectory(prefix="endorm-progress-") as folder:
        with open(pathlib.Path(folder) / "in.jsonl", "w") as file:
            for i in range(20):
                file.write(json.dumps({"id": f"record {i} " + 200 * "-", "prompt": f"{i}+1?", "response": str(i + 1)}) + "\n")

        command = [endorm, "score", "in.jsonl", "-o"]
        quiet = subprocess.run([*command, "quiet.jsonl"], cwd=folder, capture_output=True, text=True, check=True)
        assert "\r" not in quiet.stderr and "\x1b" not in quiet.stderr, quiet.stderr
        last = [line for line in quiet.stderr.splitlines() if not line.startswith("endorm: ")]  # one every ten seconds
        assert len(last) == 1 and last[0].startswith("20 records, "), quiet.stderr
        assert quiet.stdout == "", quiet.stdout

        try:
            ours, theirs = pty.openpty()
        except OSError as error:
            print(f"SKIPPED: this machine has no pseudo-terminal ({error})")
            return 0
        with subprocess.Popen([*command, "shown.jsonl"], cwd=folder, stdout=subprocess.PIPE, stderr=theirs) as process:
            os.close(theirs)
            shown = read_all(ours)
            assert process.stdout.read() == b""
        os.close(ours)
        assert process.returncode == 0, shown
        lines = [line for line in re.split(r"[\r\n]+(?:\x1b\[K)?", shown) if line]
        progress = [line for line in lines if "tokens/s" in line]
        assert len(progress) >= 2, f"too few progress lines in {shown!r}"
        form = r"\d+ records?, \d+ tokens, \d+ tokens/s \[#*\.*\] \d+%, (\d+h)?\d+m(\d\ds)? left"
        for line in progress:
            assert re.fullmatch(form, line), f"{line!r} is not {form}"
        records = [int(line.split()[0]) for line in progress]
        assert records == sorted(records) and records[-1] == 20, records
        assert progress[-1].endswith("100%, 0m00s left"), progress[-1]
        # The line is wiped before the summary, which a terminal shows as well.
        assert lines[-1].startswith("20 records, 20 responses scored"), lines[-1]
    print(f"quiet without a terminal; on one: {progress[0]!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
