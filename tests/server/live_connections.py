"""Thousands of connections, clients that drip, a log that nobody reads, two SIGTERMs, keys that change, TLS, a socket in the file system."""
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

from served import TINY, Served, near

IDLE, DRIPPING, POLITE = 10_000, 256, 300
SECONDS = 5.0  # that an answer may take beside them: no test of speed
GOOD = {"prompt": "two and two", "response": "four", "options": {"tokens": False}}
HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


def raise_limit():
    """As many idle connections as this process may hold."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    possible = IDLE if hard == resource.RLIM_INFINITY else min(IDLE, hard - DRIPPING - POLITE - 200)
    if possible < IDLE:
        print(f"only {possible} idle connections: this process may have {hard} files")
    return possible


def quick(server, expected, what):
    """Seconds of /health and of a small request, each on a connection of its own."""
    begin = time.monotonic()
    assert server.get("/health")[0] == 200
    health = time.monotonic() - begin
    status, reply = server.post("/v1/rewards", GOOD)
    took = time.monotonic() - begin - health
    assert status == 200 and near(reply["responses"][0]["reward"], expected), (what, status, reply)
    assert max(health, took) < SECONDS, f"{what}: /health took {health:.2f} s, a small request {took:.2f} s"
    return f"{what}: {health:.3f} and {took:.3f} s"


def polite(server, rounds, failures):
    try:
        with server.socket() as connection:
            connection.settimeout(SECONDS)
            for _ in range(rounds):
                connection.sendall(HEALTH)
                assert connection.recv(4096).startswith(b"HTTP/1.1 200")
                time.sleep(0.5)
    except (OSError, AssertionError) as error:
        failures.append(repr(error))


def many(endorm, idle_count):
    with Served(endorm, TINY, "--threads", "1", "--quiet") as server:
        expected = server.post("/v1/rewards", GOOD)[1]["responses"][0]["reward"]
        before = server.rss_mb()
        told = [quick(server, expected, "alone")]
        idle = [server.socket() for _ in range(idle_count)]
        told.append(quick(server, expected, f"beside {idle_count} idle connections"))
        added = server.rss_mb() - before
        dripping = [server.socket() for _ in range(DRIPPING)]
        for one in dripping:
            one.sendall(b"POST /v1/rewards HTTP/1.1\r\nHost: localhost\r\nX: ")
        failures = []
        clients = [threading.Thread(target=polite, args=(server, 8, failures)) for _ in range(POLITE)]
        for client in clients:
            client.start()
        for _ in range(3):
            for one in dripping:
                one.sendall(b"x")
            told.append(quick(server, expected, f"and {DRIPPING} that drip, {POLITE} polite"))
            time.sleep(1)
        for client in clients:
            client.join(60)
        assert not failures, (len(failures), failures[:3])
        for one in idle + dripping:
            one.close()
        server.signal()
        assert server.ended(30) == 0
    print("; ".join(told) + f"; {added:.0f} MB for the idle ones")


def unread_log(endorm):
    """Whoever reads the log has stopped: everything else goes on, and the end comes."""
    process = subprocess.Popen([endorm, "serve", "--model", f"tested={TINY}", "--port", "0", "--threads", "1"],
                               stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    try:
        lines = iter(process.stderr.readline, b"")
        line = next(line for line in lines if b"rewards at" in line)
        port = int(line.split(b"127.0.0.1:")[1].split(b"/")[0])
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            path = b"/" + 900 * b"x"
            for _ in range(1000):  # more lines than a pipe holds
                connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert connection.recv(65536).startswith(b"HTTP/1.1 404")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def sigterm_twice_unread(endorm):
    """A second SIGTERM ends what works and whose log nobody reads."""
    process = subprocess.Popen([endorm, "serve", "--model", f"tested={TINY}", "--port", "0", "--threads", "1", "--slice-tokens", "100000000",
                                "--max-waiting", "1000000", "--max-waiting-tokens", "1000000000"], stderr=subprocess.PIPE)
    try:
        line = next(line for line in iter(process.stderr.readline, b"") if b"rewards at" in line)
        port = int(line.split(b"127.0.0.1:")[1].split(b"/")[0])
        body = json.dumps({"prompt": ["a" * 20] * 20_000, "max_tokens": 200}).encode()
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            with socket.create_connection(("127.0.0.1", port), timeout=30) as noise:
                for _ in range(300):
                    noise.sendall(b"GET /" + 900 * b"y" + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    noise.recv(65536)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 130
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def authorized(url, key, context=None):
    request = urllib.request.Request(url, headers={"Authorization": f"bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=30, context=context) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code


def keys(endorm, folder):
    file = folder / "keys"
    file.write_text("one  # of the first\n")
    with Served(endorm, TINY, "--threads", "1", "--api-key-file", file) as server:
        url = f"http://127.0.0.1:{server.port}/v1/models"
        assert (authorized(url, "one"), authorized(url, "two")) == (200, 401)
        file.write_text("two\n")
        server.signal(signal.SIGHUP)
        end = time.monotonic() + 30
        while authorized(url, "two") != 200:
            assert time.monotonic() < end, server.log_text()[-1000:]
            time.sleep(0.05)
        assert authorized(url, "one") == 401
    blank = subprocess.run([endorm, "serve", "--model", TINY, "--port", "0", "--api-key", "  "], capture_output=True, text=True, timeout=60,
                           check=False)
    assert blank.returncode == 2 and "white space" in blank.stderr, blank


def tls_and_sockets(endorm, folder):
    path = folder / "socket"
    flags = ["--unix-socket", str(path)]
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    openssl = shutil.which("openssl")
    if openssl:
        subprocess.run([openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        process, address = started(endorm, ["--tls-certificate", str(certificate), "--tls-key", str(key)])
        try:
            context = ssl.create_default_context(cafile=str(certificate))
            for _ in range(3):
                assert authorized(f"{address}v1/models", "none", context) == 200
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.stderr.close()
    else:
        print("TLS was not tried: there is no openssl")
    process, _ = started(endorm, flags)
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            connection.sendall(HEALTH)
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        assert path.stat().st_mode & 0o777 == 0o600
        second = subprocess.run([endorm, "serve", "--model", TINY, *flags], capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode == 1 and "another server" in second.stderr, second
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert not path.exists()
    finally:
        process.kill()
        process.stderr.close()


def started(endorm, flags):
    """(process, address) once it serves."""
    process = subprocess.Popen([endorm, "serve", "--model", f"tested={TINY}", "--port", "0", "--threads", "1", "--quiet", *flags],
                               stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    for line in iter(process.stderr.readline, b""):
        if b"rewards at" in line:
            return process, line.decode().split("rewards at ")[1].split(" ")[0]
    raise AssertionError(f"it ended with {process.wait()}")


def run(endorm):
    many(endorm, raise_limit())
    unread_log(endorm)
    sigterm_twice_unread(endorm)
    with tempfile.TemporaryDirectory() as folder:
        keys(endorm, pathlib.Path(folder))
        tls_and_sockets(endorm, pathlib.Path(folder))
    print(f"an unread log, two SIGTERMs, keys, TLS and a socket in the file system: as they should be ({os.cpu_count()} cores)")
