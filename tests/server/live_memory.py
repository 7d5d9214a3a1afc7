"""Large bodies of every kind, several at once: memory is bounded in bytes, and given back."""
import json
import re
import threading
import time

from served import TINY, Served, near

SIZE = 15 << 20  # bytes of a body, under --max-body
ROUNDS = 20
PEAK_MB = 130  # that one such body may add while it is read: the parser takes a few times the size of one long text
LEFT_MB = 100  # that may stay when all is over
SECONDS = 60  # until it is
GOOD = {"prompt": "two and two", "response": "four", "options": {"tokens": False}}


def text_of(body):
    return json.dumps(body).encode()


def bodies():
    """(name, path, body, status)."""
    long = GOOD | {"prompt": "x" * SIZE}
    texts = {"prompt": "a", "responses": ["b" * 20_000] * (SIZE // 20_004)}
    return [("valid", "/remote_rm", text_of({"prompt": "two and two", "response": "four", "label": "x" * SIZE}), 200),
            ("broken", "/v1/rewards", text_of(long)[:-2], 400),
            # Longer than the context: the error of their responses.
            ("one text", "/v1/rewards", text_of(long), 200),
            ("many texts", "/v1/rewards", text_of(texts), 200),
            # Ten times their size as values: refused before.
            ("token ids", "/v1/rewards", b'{"prompt_ids": [' + b"1," * (SIZE // 2) + b'1], "response_ids": [1]}', 400),
            ("empty lists", "/v1/rewards", b'{"prompt": [' + b"[]," * (SIZE // 3) + b"[]]}", 400)]


def ask(server, path, body, right, seen):
    """What came of it; a server that refuses a body may end the connection before all of it was sent."""
    try:
        status, reply = server.post(path, body)
    except OSError:
        status, reply = "ended", None
    seen.append(status)
    assert status in (right, 429, "ended"), (path, status, str(reply)[:300])


def cut_off(server, body):
    with server.socket() as connection:
        connection.sendall(b"POST /v1/rewards HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:SIZE // 2])


def held_bytes(server):
    return int(re.search(r"^endorm_held_bytes (\d+)", server.get("/metrics")[1].decode(), re.M).group(1))


def settled(server, what, enough):
    """Waits until a number is as it should be; it then."""
    end = time.monotonic() + SECONDS
    while (found := what()) > enough:
        assert time.monotonic() < end, f"{found:.0f}, expected at most {enough:.0f}"
        time.sleep(0.05)
    return found


def peaks(server, kinds):
    """MB that each body adds at most, alone."""
    found = {}
    for name, path, body, right in kinds:
        before = server.rss_mb()
        server.forget_peak()
        status, reply = server.post(path, body)
        assert status == right, (name, status, str(reply)[:300])
        found[name] = server.status("VmHWM") / 1024 - before
        assert found[name] < PEAK_MB, f"{name}: {found[name]:.0f} MB"
    return found


def all_at_once(server, kinds, rounds):
    """Each body from a client of its own, and one that is cut off; the statuses."""
    seen = []
    for _ in range(rounds):
        clients = [threading.Thread(target=ask, args=(server, path, body, right, seen)) for _, path, body, right in kinds]
        clients.append(threading.Thread(target=cut_off, args=(server, kinds[0][2])))
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    assert len(seen) == rounds * len(kinds), seen
    return seen


def budget(endorm, kinds):
    """Bodies that come together never hold more than --max-waiting-bytes; who would is told to come again."""
    most = 40_000_000
    with Served(endorm, TINY, "--threads", "1", "--quiet", "--max-waiting-bytes", most) as server:
        half = [server.socket() for _ in range(4)]
        for one in half:  # 30 MB of 60 are there, and wait for the rest
            one.sendall(b"POST /remote_rm HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % SIZE + b" " * (SIZE // 2))
        end = time.monotonic() + SECONDS
        while held_bytes(server) < 4 * (SIZE // 2):
            assert time.monotonic() < end, held_bytes(server)
            time.sleep(0.05)
        connection = server.connection()
        connection.putrequest("POST", "/remote_rm")
        connection.putheader("Content-Length", str(SIZE))
        connection.endheaders()  # and no byte of the body
        reply = connection.getresponse()
        assert reply.status == 429 and reply.getheader("Retry-After"), (reply.status, reply.read())
        assert server.post("/v1/rewards", GOOD)[0] == 200, "there is room for a small one"
        for one in half:
            one.close()
        settled(server, lambda: held_bytes(server), 0)
        assert server.post("/remote_rm", kinds[0][2])[0] == 200


def run(endorm):
    kinds = bodies()
    with Served(endorm, TINY, "--threads", "1", "--quiet") as server:
        expected = server.post("/v1/rewards", GOOD)[1]["responses"][0]["reward"]
        before = server.rss_mb()
        found = peaks(server, kinds)
        seen = all_at_once(server, kinds, ROUNDS)
        settled(server, lambda: held_bytes(server), 0)
        after = settled(server, server.rss_mb, before + LEFT_MB)
        assert near(server.post("/v1/rewards", GOOD)[1]["responses"][0]["reward"], expected)
    budget(endorm, kinds)
    print(f"bodies of {SIZE >> 20} MB, MB that one adds: " + ", ".join(f"{name} {peak:.0f}" for name, peak in found.items())
          + f"; {ROUNDS} rounds of all and one that is cut off: RSS {before:.0f} MB before, {after:.0f} after; "
          + ", ".join(f"{status}: {seen.count(status)}" for status in sorted(set(seen), key=str)))
