"""What a server has to bear from clients: killed in the middle of a body, slower than anyone, too large, no HTTP at all."""
import json
import subprocess
import sys
import time

from served import TINY, Served, near, post, refused

GOOD = {"prompt": "two and two", "response": "four"}
SLOW = 100  # connections that send a byte a second
ANSWER_SECONDS = 20.0  # that a good request may take beside them, on a machine that is busy
BODY_MB = 100
RSS_MB = 48  # that a body of 100 MB may add: at most --max-body of it is read

DIES = """
import os, signal, socket, sys
one = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
one.sendall(b"POST /v1/rewards HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 1000000\\r\\n\\r\\n" + b'{"prompt": "' + 5000 * b"x")
os.kill(os.getpid(), signal.SIGKILL)
"""


def head(length, *more):
    return ("POST /v1/rewards HTTP/1.1\r\nHost: localhost\r\n" + f"Content-Length: {length}\r\n" + "".join(more) + "\r\n").encode()


def replied(connection):
    """The status of what comes back, or none where the connection just ends."""
    data = b""
    try:
        while part := connection.recv(65536):
            data += part
    except OSError:
        pass
    return int(data.split(b" ", 2)[1]) if data.startswith(b"HTTP/1.1 ") else None


def check_alive(server, expected, seconds=ANSWER_SECONDS):
    begin = time.monotonic()
    status, reply = server.post("/v1/rewards", GOOD)
    took = time.monotonic() - begin
    assert status == 200 and near(reply["responses"][0]["reward"], expected), (status, reply)
    assert took < seconds, f"a good request took {took:.1f} s"
    return took


def killed_clients(server, expected):
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", DIES, str(server.port)], check=False)
        assert done.returncode == -9
    check_alive(server, expected)
    # And one that asked whole and did not wait for the answer.
    with server.socket() as leaves:
        leaves.sendall(head(len(json.dumps(GOOD))) + json.dumps(GOOD).encode())
    check_alive(server, expected)


def slow_clients(server, expected):
    slow = [server.socket() for _ in range(SLOW)]
    for number, one in enumerate(slow):
        one.sendall(b"POST /v1/rewards HTTP/1.1\r\nX: " if number % 2 else head(1000))
    worst = 0.0
    for _ in range(4):
        for one in slow:
            one.sendall(b" ")
        worst = max(worst, check_alive(server, expected))
        time.sleep(1)
    begin = time.monotonic()
    statuses = [replied(one) for one in slow]  # silent from now on: each is cut off
    took = time.monotonic() - begin
    for one in slow:
        one.close()
    assert set(statuses) <= {None, 400, 408}, statuses
    assert took < 30, f"silent connections were held for {took:.0f} s"
    check_alive(server, expected)
    return worst


def large_bodies(server, expected):
    before = server.rss_mb()
    megabyte = b" " * (1 << 20)
    for chunked in (False, True):
        with server.socket() as connection:
            if chunked:
                connection.sendall(b"POST /v1/rewards HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
            else:
                connection.sendall(head(BODY_MB << 20))
            sent = 0
            try:
                for sent in range(BODY_MB):
                    connection.sendall(b"100000\r\n" + megabyte + b"\r\n" if chunked else megabyte)
            except OSError:
                pass  # the server answers before all was sent
            status = replied(connection)
            assert status in (413, None), status  # none: the answer was lost with the connection, which TCP may do
            assert status == 413 or sent < BODY_MB - 1, "100 MB were read, and no word came back"
    assert server.rss_mb() - before < RSS_MB, f"RSS {before:.0f} MB before, {server.rss_mb():.0f} after"
    deep = b'{"prompt": ' + b"[" * (4 << 20) + b"]" * (4 << 20) + b"}"
    assert refused(*server.post("/v1/rewards", deep))
    wide = json.dumps({"prompt": "a", "responses": ["b"] * 100_000}).encode()
    assert refused(*server.post("/v1/rewards", wide))
    check_alive(server, expected)


def odd_http(server, expected):
    body = json.dumps(GOOD).encode()
    for raw in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"POST /v1/rewards HTTP/9.9\r\n\r\n",
        b"POST /v1/rewards HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/rewards HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"POST /v1/rewards HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/rewards HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
        b"POST /v1/rewards HTTP/1.1\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
        b"POST /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
    ):
        with server.socket() as connection:
            try:
                connection.sendall(raw)
                status = replied(connection)
            except OSError:
                status = None
            assert status is None or 400 <= status < 500 or status == 505, (raw[:80], status)
    # A bad body leaves the connection to the next request, whose body is its own.
    connection = server.connection()
    for sent, right in ((b"{", 400), (body, 200), (b"[]", 400), (body, 200)):
        status, reply = post(connection, "/v1/rewards", sent)
        assert status == right and (right == 200 or refused(status, reply)), (status, reply)
    assert refused(*post(connection, "/nothing", body)) and post(connection, "/v1/rewards", body)[0] == 200
    # Whatever Range asks for, an answer is whole; what curl -d calls a form is JSON.
    assert server.post("/v1/rewards", body, {"Range": "bytes=0-3"})[0] == 200
    assert server.post("/v1/rewards", body, {"Content-Type": "application/x-www-form-urlencoded"})[0] == 200
    check_alive(server, expected)


def odd_texts(server, expected):
    for text in ("a\0b", "\0", "\ufeff", "\u202e", "e" + "\u0301" * 30, "\U0001f469\u200d\U0001f469", "\r\n\t\x1b[31m"):
        status, reply = server.post("/v1/rewards", {"prompt": text, "response": text})
        assert status == 200, (text, reply)
        assert reply["messages"][0]["content"] == text
        spelled = "".join(reply["responses"][0]["token_rewards"]["text"][:-1])
        assert "\ufffd" in spelled or spelled == text, (text, spelled)  # a token may be a part of a character
        echo = server.post("/v1/completions", {"prompt": text, "echo": True, "logprobs": 1, "max_tokens": 0})
        assert echo[0] == 200 and echo[1]["choices"][0]["text"] == text, echo
    assert refused(*server.post("/v1/rewards", b'{"prompt": "\\ud800", "response": "a"}'))
    assert refused(*server.post("/v1/rewards", b'{"prompt": "a", "response": 1e999}'))
    assert refused(*server.post("/v1/completions", {"prompt": "a", "max_tokens": 2**64 - 1}))
    check_alive(server, expected)


def run(endorm):
    with Served(endorm, TINY, "--threads", "1") as server:
        expected = server.post("/v1/rewards", GOOD)[1]["responses"][0]["reward"]
        threads = server.status("Threads")
        killed_clients(server, expected)
        odd_http(server, expected)
        odd_texts(server, expected)
        worst = slow_clients(server, expected)
        large_bodies(server, expected)
        # Every answer is in the log, those that were refused before a route had them as well.
        logged = {line["status"] for line in server.answered()}
        assert {200, 400, 404, 413} <= logged, logged
        descriptors = subprocess.run(["ls", f"/proc/{server.process.pid}/fd"], capture_output=True, text=True, check=True)
        server.signal()
        assert server.ended(30) == 0
    print(f"killed clients, {SLOW} slow ones (worst good answer beside them {worst:.2f} s), {BODY_MB} MB, odd HTTP and texts: borne; "
          f"{threads} threads at first, {len(descriptors.stdout.split())} descriptors at last")
