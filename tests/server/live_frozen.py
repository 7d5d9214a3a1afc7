"""Nothing freezes it: a full disk for the log, clients that are stopped in the middle; SIGTERM twice ends it in every state."""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

from served import TINY, Served, near

GOOD = {"prompt": "two and two", "response": "four", "options": {"tokens": False}}
SECONDS = 60  # until something comes that must come
# A client that is stopped by SIGSTOP once it says that it is in the middle.
CLIENT = """
import json, socket, sys
one = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
if sys.argv[2] == "body":
    one.sendall(b"POST /v1/rewards HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 1000000\\r\\n\\r\\n" + 500_000 * b" ")
else:
    records = [{"prompt": "p%d" % i, "response": "z" * 200} for i in range(1500)]
    body = json.dumps({"records": records, "stream": True}).encode()
    one.sendall(b"POST /v1/rewards HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
    one.recv(1000)
print("here", flush=True)
one.recv(1) if sys.argv[2] == "body" else [None for _ in iter(lambda: one.recv(1), b"")]
"""


def wait_until(what, told):
    end = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < end, told
        time.sleep(0.02)


class Stopped:
    """A client that was stopped in the middle of what it sends or reads."""

    def __init__(self, server, where):
        self.process = subprocess.Popen([sys.executable, "-c", CLIENT, str(server.port), where], stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"here\n"
        self.process.send_signal(signal.SIGSTOP)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def answers(server, expected):
    status, reply = server.post("/v1/rewards", GOOD)
    assert status == 200 and near(reply["responses"][0]["reward"], expected), (status, reply)


def ends_at_second(server, what):
    """A first SIGTERM leaves it at work, a second ends it at once."""
    server.signal()
    wait_until(lambda: server.get("/health")[0] == 503, f"{what}: it does not stop")
    assert server.process.poll() is None, f"{what}: it ended at the first"
    server.signal()
    assert server.ended(10) == 130, what


def stopped_clients(endorm):
    for where in ("body", "stream"):
        with Served(endorm, TINY, "--threads", "1", "--quiet") as server:
            expected = server.post("/v1/rewards", GOOD)[1]["responses"][0]["reward"]
            with Stopped(server, where), Stopped(server, where):
                for _ in range(3):
                    answers(server, expected)
                if where == "body":  # no answer was promised: it is not waited for
                    server.signal()
                    assert server.ended(30) == 0
                else:  # an answer that is not taken is, until --drain, or a second SIGTERM
                    ends_at_second(server, "a client that was stopped in a stream")


def full_disk(endorm):
    with open("/dev/full", "w") as full:
        port = free_port()
        process = subprocess.Popen([endorm, "serve", "--model", f"tested={TINY}", "--port", str(port), "--threads", "1"], stderr=full)
    try:
        wait_until(lambda: ready(port), "it is not ready")
        for _ in range(50):
            assert status_of(port, b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n") == 404
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


def while_loading(endorm, folder):
    """The model is a pipe that nobody writes to: it is being loaded for ever."""
    model = os.path.join(folder, "model.gguf")
    os.mkfifo(model)
    port = free_port()
    process = subprocess.Popen([endorm, "serve", "--model", f"tested={model}", "--port", str(port)], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: status_of(port, b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n") == 200, "its port is not taken")
        assert not ready(port)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0  # nothing was taken
    finally:
        process.kill()
        process.wait()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def status_of(port, request):
    """None: nobody is there."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as one:
            one.sendall(request)
            return int(one.recv(65536).split(b" ", 2)[1])
    except (OSError, IndexError):
        return None


def ready(port):
    return status_of(port, b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n") == 200


def busy(endorm):
    with Served(endorm, TINY, "--threads", "1", "--quiet") as server:
        body = json.dumps({"prompt": ["a" * 20] * 4_000, "max_tokens": 200}).encode()
        with server.socket() as asks:
            asks.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            wait_until(lambda: b"endorm_requests_in_flight 1" in server.get("/metrics")[1], "it does not work")
            ends_at_second(server, "work that takes longer")


def run(endorm):
    stopped_clients(endorm)
    full_disk(endorm)
    busy(endorm)
    with tempfile.TemporaryDirectory() as folder:
        while_loading(endorm, folder)
    print("clients stopped in a body and in a stream, a full disk, two SIGTERMs while it works, one while it loads: nothing freezes")
