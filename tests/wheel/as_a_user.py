"""What a user does first with an installed wheel, run by the Python that it is installed in: as_a_user.py MODEL DEMO_JSONL"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

import endorm

MODEL, DEMO = sys.argv[1:]
COMMAND = pathlib.Path(sys.executable).with_name("endorm")
PACKAGE = pathlib.Path(endorm.__file__).parent
# What the C library and the compiler's own bring; all else must come with the wheel.
SYSTEM = {"linux-vdso.so", "ld-linux-x86-64.so", "libc.so", "libm.so", "libstdc++.so", "libgcc_s.so", "libdl.so", "libpthread.so", "librt.so"}
RECORD = {"prompt": "What is the capital of France?", "responses": ["Paris.", "Rome."]}


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: status {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def libraries(text):
    """Of ldd's lines: what stands outside the package."""
    assert "not found" not in text, text
    paths = [line.split("=>")[-1].rsplit("(", 1)[0].strip() for line in text.splitlines() if line.strip()]
    return {pathlib.Path(path).name.split(".so")[0] + ".so" for path in paths if str(PACKAGE.parent) not in path}


def test_command():
    for words in ([COMMAND], [sys.executable, "-m", "endorm"]):
        assert run(*words, "--version") == f"endorm {endorm.__version__}\n"
    run(COMMAND, "score", DEMO, "--limit", 4, "--tokens", "--steps", "--model", MODEL, "-o", "scored file.jsonl")
    assert "chosen" in run(COMMAND, "report", "scored file.jsonl", "-o", "report.html", "--table")
    assert pathlib.Path("report.html").read_text().lower().startswith("<!doctype html>")
    assert subprocess.run([COMMAND, "score", "none.jsonl"], capture_output=True).returncode == 2


def test_server(rewards):
    words = [COMMAND, "serve", "--model", MODEL, "--port", "0", "--kept-tokens", "0"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as server:
        line = next(line for line in server.stderr if "rewards at " in line)
        url = "http://" + line.split("http://")[1].split()[0].split("/")[0]
        with urllib.request.urlopen(url + "/v1/rewards", json.dumps(RECORD).encode()) as answer:
            data = json.load(answer)
        with urllib.request.urlopen(url) as page:
            assert "<html" in page.read().decode()
        server.terminate()
        server.stderr.read()
    served = [response["reward"] for response in data["responses"]]
    assert all(abs(mine - theirs) < 1e-3 for mine, theirs in zip(served, rewards, strict=True)), (served, rewards)
    assert server.returncode == 0


def test_libraries():
    elf = [file for file in [*PACKAGE.rglob("*"), *PACKAGE.with_name("endorm.libs").iterdir()] if file.is_file()]
    elf = [file for file in elf if file.open("rb").read(4) == b"\x7fELF"]
    assert {"endorm", "_core.abi3.so"} < {file.name for file in elf}, elf
    for file in elf:
        foreign = libraries(run("ldd", file)) - SYSTEM
        assert not foreign, f"{file} needs {foreign} of this machine"
    loaded = {line.split(maxsplit=5)[5].strip() for line in open("/proc/self/maps") if "/" in line}
    for name in ("dnnl", "gomp", "ssl", "crypto", "sqlite3"):
        (path,) = [path for path in loaded if pathlib.Path(path).name.startswith(f"lib{name}-") and "numpy" not in path]
        assert path.startswith(str(PACKAGE.parent)), path
        assert list(PACKAGE.with_name("endorm.libs").glob("*.copyright"))


def main():
    engine = endorm.Engine(MODEL)
    (scored,) = endorm.score(RECORD, engine=engine)
    assert scored[0].reward > scored[1].reward and scored.ranking == [0, 1], scored
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        test_command()
        test_server(scored.rewards.tolist())
        os.chdir("/")
    test_libraries()
    print(f"endorm {endorm.__version__} in Python {sys.version.split()[0]}: command, server, pages, import, libraries")


main()
