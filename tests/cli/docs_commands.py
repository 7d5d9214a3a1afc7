#!/usr/bin/env python3
"""Runs the commands that README.md and docs/**/*.md show, and compares what they show of the output.

    docs_commands.py --endorm PATH [PAGE...]

In a ```console block a command stands behind "$ " and its output below it; in a ```sh block every line is a command and
no output is shown. Lines go on after a backslash and inside a here-document. The commands of a page run in order in one
scratch directory that holds a copy of examples/. A command must succeed. Output (standard output and error together) is
compared where any is shown: "..." in a line stands for any text, a line of it for any lines, and numbers may differ by
2 % or 0.05. A command that is neither run nor listed below fails the test.
"""
import argparse
import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS = 300
# First words that are run besides pipelines with `endorm` in them.
HARMLESS = {"cat", "cd", "cp", "cut", "diff", "echo", "export", "grep", "gzip", "head", "ls", "mkdir", "printf", "python3", "sort",
            "tail", "tr", "wc"}
# Commands that are not run here, and where they are.
ELSEWHERE = {
    r"(\./)?run( |$)": "the test cli_demo runs ./run demo, this test runs inside ./run test, and .ci/run calls ./run check",
    r"git clone ": "the install test",
    r"(sudo )?apt(-get)? ": "the install test",
    r"cmake ": "scripts/build.sh, which every test starts with",
    r"ctest ": "scripts/test.sh",
    r"pip install ": "the package's own build, from a clean environment before each release",
    r"endorm serve |curl ": "tests/server and the cases of serve",
    r"endorm models convert |V/bin/python ": "tests/cli/convert_checkpoint.py, where torch and transformers are installed",
    r"build/release/endorm ": "the same binary as `endorm`",
    r"python3 examples/token_rewards/": "tests/python/test_examples.py, where torch and transformers are installed",
    r"endorm [^|]*--judge-url ": "tests/judge/chat_server_test.cpp, which asks a server of ours",
    r"endorm [^|]*--mmproj ": "the case images, with tiny models; these models are not here",
    r"lighteval custom ": "tests/python/test_lighteval.py, where LightEval is installed",
    r"vllm |python3? -m sglang|llama-server ": "servers of others: tests/engine talks to one of ours",
}
# Lines of progress, which come where a command takes longer than ten seconds.
PROGRESS = re.compile(r"^endorm: (waiting for .*|\d+ \w+, .*tokens/s.*)\n", re.M)
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w]*\w)")


def blocks(text):
    """(kind, first line number, lines) of each console or sh block."""
    for match in re.finditer(r"^```(console|sh|bash)\n(.*?)^```$", text, re.M | re.S):
        yield match.group(1), text[: match.start()].count("\n") + 2, match.group(2).splitlines()


def commands(kind, first, lines):
    """(line number, command, lines of output or None) of a block."""
    found = []
    place = 0
    while place < len(lines):
        number, line = first + place, lines[place]
        place += 1
        if kind == "console" and not line.startswith("$ "):
            if not found:
                raise SystemExit(f"line {number}: output before any command")
            found[-1][2].append(line)
            continue
        if not line.strip() or (kind != "console" and line.lstrip().startswith("#")):
            continue
        command = line[2:] if kind == "console" else line
        while command.endswith("\\") and place < len(lines):
            command += "\n" + re.sub(r"^> ", "", lines[place])
            place += 1
        end = re.search(r"<<-?\s*['\"]?(\w+)", command)
        while end and place < len(lines) and command.splitlines()[-1] != end.group(1):
            command += "\n" + re.sub(r"^> ", "", lines[place])
            place += 1
        found.append((number, command, []))
    return found


def same_line(wanted, got):
    """Whether a line agrees: words exactly, numbers nearly, "..." with anything."""
    pattern, numbers, at = "", [], 0
    for match in re.finditer(r"\.\.\.|" + NUMBER.pattern, wanted):
        pattern += re.escape(wanted[at : match.start()])
        if match.group() == "...":
            pattern += ".*?"
        else:
            numbers.append(float(match.group()))
            pattern += r"([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
        at = match.end()
    # Columns are set by the width of numbers: runs of blanks agree with runs of blanks.
    pattern = re.sub(r"(\\ )+", lambda blanks: r"\s+", pattern + re.escape(wanted[at:]))
    found = re.fullmatch(pattern, got)
    return found is not None and all(
        abs(float(text) - number) <= max(0.05, 0.02 * abs(number)) for text, number in zip(found.groups(), numbers))


def same_output(wanted, got):
    """Whether the lines agree; a line "..." stands for any number of lines."""
    if not wanted:
        return not got
    if wanted[0].strip() == "...":
        return any(same_output(wanted[1:], got[skipped:]) for skipped in range(len(got) + 1))
    return bool(got) and same_line(wanted[0], got[0]) and same_output(wanted[1:], got[1:])


def self_test():
    assert same_line("reward -13.77, 3 tokens", "reward -13.80, 3 tokens")
    assert not same_line("reward -13.77", "reward -14.77") and not same_line("reward -13.77", "reward nan")
    assert same_line('{"id":"1",...,"tokens":3}', '{"id":"1","x":[1,2],"tokens":3}')
    assert not same_line("Paris.", "Rome.")
    assert same_output(["a", "...", "z"], ["a", "b", "c", "z"]) and not same_output(["a"], ["a", "b"])
    assert commands("console", 1, ["$ cat <<'E'", "x", "E", "x", "$ ls"]) == [(1, "cat <<'E'\nx\nE", ["x"]), (5, "ls", [])]


def play(page, environment):
    """Runs a page; returns (commands run, faults)."""
    ran, faults = 0, []
    with tempfile.TemporaryDirectory(prefix="endorm-docs-") as folder:
        if (ROOT / "examples").is_dir():
            shutil.copytree(ROOT / "examples", pathlib.Path(folder) / "examples")
        listed = itertools.chain.from_iterable(commands(*block) for block in blocks(page.read_text()))
        for number, command, wanted in listed:
            where = f"{page.relative_to(ROOT)}:{number}: {command.splitlines()[0]}"
            reason = next((reason for pattern, reason in ELSEWHERE.items() if re.match(pattern, command)), None)
            if reason:
                print(f"not run: {where} ({reason})")
                continue
            if not re.search(r"(^|[|;&(] *|\w+=\S+ )endorm ", command) and command.split()[0] not in HARMLESS:
                faults.append(f"{where}\n  is neither run nor covered elsewhere: see the lists in docs_commands.py")
                continue
            ran += 1
            done = subprocess.run(["bash", "-c", "set -o pipefail; " + command], cwd=folder, env=environment, text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=SECONDS, check=False)
            got = [line.rstrip() for line in PROGRESS.sub("", done.stdout).splitlines()]
            for lines in (wanted, got):
                while lines and not lines[-1].strip():
                    lines.pop()
            if done.returncode != 0:
                faults.append(f"{where}\n  ended with {done.returncode}:\n" + done.stdout)
            elif wanted and not same_output([line.rstrip() for line in wanted], got):
                faults.append(f"{where}\n  shows:\n" + "\n".join(wanted) + "\n  gives:\n" + "\n".join(got))
            else:
                print(f"ok: {where}", flush=True)
    return ran, faults


def main():
    self_test()
    parser = argparse.ArgumentParser()
    parser.add_argument("--skip", action="append", default=[], help="a page whose commands this build does not have")
    parser.add_argument("--endorm", required=True, type=pathlib.Path)
    parser.add_argument("pages", nargs="*", type=pathlib.Path)
    arguments = parser.parse_args()
    environment = dict(os.environ, LC_ALL="C.UTF-8")
    environment["PATH"] = f"{arguments.endorm.resolve().parent}:{environment['PATH']}"
    skipped = [(ROOT / page).resolve() for page in arguments.skip]
    pages = [page.resolve() for page in arguments.pages] or [
        page for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))] if page.resolve() not in skipped]
    ran, faults = 0, []
    for page in pages:
        count, found = play(page, environment)
        ran += count
        faults += found
    for fault in faults:
        print("FAIL " + fault)
    print(f"{ran} commands of {len(pages)} pages run, {len(faults)} faults")
    return 1 if faults or not ran else 0


if __name__ == "__main__":
    sys.exit(main())
