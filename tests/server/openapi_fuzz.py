#!/usr/bin/env python3
"""schemathesis against /openapi.json: whatever the description allows is answered as the description says.

    openapi_fuzz.py --endorm PATH [--examples N]

Skips aloud where schemathesis is not installed.
"""
import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

from served import TINY, Served

# What is checked of every answer. That every valid body is taken is not promised: text may be longer than the context.
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,negative_data_rejection"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--endorm", required=True, type=pathlib.Path)
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    beside = pathlib.Path(sys.executable).parent / "schemathesis"
    program = str(beside) if beside.exists() else shutil.which("schemathesis")
    if program is None:
        print("SKIPPED: schemathesis is not installed")
        return 0
    with tempfile.TemporaryDirectory() as folder, Served(arguments.endorm.resolve(), TINY, "--threads", "1", "--quiet") as server:
        done = subprocess.run([program, "run", f"http://127.0.0.1:{server.port}/openapi.json", "--checks", CHECKS, "--max-examples",
                               str(arguments.examples), "--seed", str(arguments.seed), "--no-color", "--phases", "examples,coverage,fuzzing"],
                              cwd=folder, capture_output=True, text=True, check=False)
        assert server.process.poll() is None, server.log_text()[-2000:]
    print(done.stdout[-12000:] + done.stderr[-2000:])
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
