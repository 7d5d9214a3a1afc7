"""SIGTERM: what was taken is answered, in the time that --drain gives, whatever clients do."""
import json
import signal
import subprocess
import threading
import time

from served import TINY, Served, post

CLIENTS = 32
DRAIN = 2


class Client(threading.Thread):
    """Asks until it is turned away; a connection a request, or one for all."""

    def __init__(self, server, number):
        super().__init__()
        self.server, self.number = server, number
        self.right = self.turned_away = self.unanswered = 0
        self.faults = []

    def run(self):
        connection = self.server.connection()
        for i in range(100_000):
            if self.number % 2:
                connection.close()
                connection = self.server.connection()
            body = {"prompt": f"{self.number} asks", "response": f"for {i} things"}
            try:
                status, reply = post(connection, "/v1/rewards", body)
            except Exception:  # the connection ended before an answer: what was given is counted below
                self.unanswered += 1
                return
            if status == 200:
                self.right += 1
            elif status == 503 and reply["error"]["code"] == 503:
                self.turned_away += 1
                return
            else:
                self.faults.append((status, reply))
                return


def under_load(endorm):
    """Answers that the server says it gave and answers that clients have are as many."""
    with Served(endorm, TINY, "--threads", "1", "--linger", "20") as server:
        clients = [Client(server, number) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        time.sleep(2)
        server.signal()
        status = server.ended(30)
        for client in clients:
            client.join(60)
        assert status == 0, (status, server.log_text()[-1000:])
        given = sum(line["status"] == 200 for line in server.answered())
    had = sum(client.right for client in clients)
    faults = [fault for client in clients for fault in client.faults]
    assert not faults, faults[:3]
    assert had == given > CLIENTS, f"the server gave {given} answers, {had} came to a client"
    turned = sum(client.turned_away for client in clients)
    return f"{had} of {given} answers came to their clients, {turned} clients were turned away with 503, " \
           f"{sum(client.unanswered for client in clients)} found it gone"


def ends_in_time(endorm, begin, what, status, drain=DRAIN):
    """`begin` makes a request that would take longer than --drain."""
    with Served(endorm, TINY, "--threads", "1", "--drain", drain) as server:
        end = begin(server)
        time.sleep(1)
        begun = time.monotonic()
        server.signal()
        found = server.ended(drain + 15)
        took = time.monotonic() - begun
        end()
        said = "not all is answered" in server.log_text()
    assert (found, said) == (status, status == 1), f"{what}: exit status {found}, {server.log_text()[-1000:]}"
    return f"{what}: {took:.1f} s"


def long_work(server):
    body = json.dumps({"prompt": ["a" * 20] * 4_000, "max_tokens": 200}).encode()

    def ask():
        try:
            server.post("/v1/completions", body)
        except Exception:
            pass  # cut off, as it must be

    asking = threading.Thread(target=ask)
    asking.start()
    return asking.join


def slow_body(server):
    connection = server.socket()
    connection.sendall(b"POST /v1/rewards HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
    going = threading.Event()

    def trickle():
        while not going.wait(0.3):
            try:
                connection.sendall(b" ")
            except OSError:
                return

    sending = threading.Thread(target=trickle)
    sending.start()

    def end():
        going.set()
        sending.join()
        connection.close()

    return end


def idle(server):
    connection = server.connection()
    post(connection, "/v1/rewards", {"prompt": "a", "response": "b"})
    return connection.close


def twice(endorm):
    with Served(endorm, TINY, "--threads", "1") as server:
        end = long_work(server)
        time.sleep(1)
        server.signal(signal.SIGINT)
        time.sleep(0.5)
        server.signal(signal.SIGINT)
        assert server.ended(10) == 130
        end()


def taken_port(endorm):
    with Served(endorm, TINY, "--threads", "1") as server:
        second = subprocess.run([endorm, "serve", "--model", TINY, "--port", str(server.port)], capture_output=True, text=True,
                                timeout=60, check=False)
        assert second.returncode == 1 and "another program has it" in second.stderr, second.stderr


def run(endorm):
    print("SIGTERM under load: " + under_load(endorm))
    found = [ends_in_time(endorm, idle, "an idle connection", 0),
             ends_in_time(endorm, slow_body, "a body that never ends", 0),
             ends_in_time(endorm, long_work, "work that takes longer", 1),
             ends_in_time(endorm, idle, "no time at all, and nothing asked", 0, drain=0),
             ends_in_time(endorm, long_work, "no time at all", 1, drain=0)]
    print(f"--drain {DRAIN}: " + "; ".join(found))
    twice(endorm)
    taken_port(endorm)
