"""`endorm serve` as a process of its own, and what tests send it."""
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TINY = ROOT / "tests/golden/engine_tiny_llama.gguf"
SECONDS = 120  # that a request may take on a machine that is busy
START_SECONDS = 300


def smollm2():
    """The model's file, or None where it was never fetched."""
    folders = [os.environ.get("ENDORM_CACHE_DIR"), os.environ.get("XDG_CACHE_HOME") and os.environ["XDG_CACHE_HOME"] + "/endorm",
               str(pathlib.Path.home() / ".cache/endorm")]
    folder = next(folder for folder in folders if folder)
    path = pathlib.Path(folder) / "models/SmolLM2-135M-Instruct.Q4_1.gguf"
    return path if path.exists() else None


class Served:
    """A server on a port of its own. Ends with the `with` block, by SIGTERM if it was not stopped before."""

    def __init__(self, endorm, model, *flags):
        self.log = tempfile.NamedTemporaryFile("w+", prefix="endorm-serve-", suffix=".log")
        self.process = subprocess.Popen([endorm, "serve", "--model", f"tested={model}", "--port", "0", *map(str, flags)],
                                        stderr=self.log, stdin=subprocess.DEVNULL)
        end = time.monotonic() + START_SECONDS
        while not (found := re.search(r"rewards at http://127\.0\.0\.1:(\d+)/", self.log_text())):
            assert self.process.poll() is None and time.monotonic() < end, self.log_text()
            time.sleep(0.02)
        self.port = int(found.group(1))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()

    def log_text(self):
        return pathlib.Path(self.log.name).read_text(errors="replace")

    def answered(self):
        """The log's lines of requests."""
        return [json.loads(line) for line in self.log_text().splitlines() if line.startswith("{")]

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def ended(self, seconds):
        """The exit status, or a failure where it does not end in time."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the server did not end within {seconds} s:\n{self.log_text()[-2000:]}") from None

    def status(self, name):
        """A number of /proc/PID/status."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{name}:\s+(\d+)", text, re.M).group(1))

    def rss_mb(self):
        return self.status("VmRSS") / 1024

    def forget_peak(self):
        """VmHWM is the most from now on."""
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)

    def socket(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)

    def post(self, path, body, headers=None):
        """(status, reply) on a connection of its own."""
        return post(self.connection(), path, body, headers)

    def get(self, path):
        connection = self.connection()
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.read()

    def token_ids(self, text):
        """Of text in the model's own form, behind a special token, which SmolLM2 has."""
        body = {"prompt": "<|im_start|>", "response": text, "options": {"text": "raw"}}
        status, reply = self.post("/v1/rewards", body)
        assert status == 200, reply
        return reply["responses"][0]["token_rewards"]["id"]

    def reward(self, prompt, response):
        """Of text in the model's own form, by /v1/rewards."""
        body = {"prompt": prompt, "response": response, "options": {"text": "raw", "tokens": False}}
        status, reply = self.post("/v1/rewards", body)
        assert status == 200, reply
        return reply["responses"][0]["reward"]


def post(connection, path, body, headers=None):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request("POST", path, data, headers or {"Content-Type": "application/json"})
    reply = connection.getresponse()
    content = reply.read()
    return reply.status, json.loads(content) if content else None


def refused(status, reply):
    """Whether it is a 4xx that says why."""
    error = (reply or {}).get("error", {}) if isinstance(reply, dict) else {}
    return 400 <= status < 500 and error.get("code") == status and len(error.get("message", "")) > 10


def near(left, right, tolerance=1e-6):
    """Numbers or lists of them; NaN is near nothing."""
    if isinstance(right, list):
        return isinstance(left, list) and len(left) == len(right) and all(map(lambda a, b: near(a, b, tolerance), left, right))
    return abs(left - right) <= tolerance * max(1.0, abs(right))
