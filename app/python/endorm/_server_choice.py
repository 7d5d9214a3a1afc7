"""Which server a request goes to: the rules of engine/remote/server_pool.cpp."""

import dataclasses
import threading
import time
from collections.abc import Callable, Sequence

from ._prompt_key import server_hashes
from ._server_http import ServerConnection

#: How many requests more than the idlest a server may have and still get those that its prompts name.
SLACK = 4
_MOST_DOUBLINGS = 16


@dataclasses.dataclass(frozen=True)
class ServerState:
    """url; alive: not resting after a failure; busy: requests on their way; answered: requests that it answered."""

    url: str
    alive: bool
    busy: int
    answered: int


@dataclasses.dataclass(eq=False)
class Server:
    url: str
    idle: list[ServerConnection]
    busy: int = 0
    answered: int = 0
    failures: int = 0  # in a row
    dead_until: float = 0.0  # time.monotonic()


class Servers:
    """Addresses, what each is doing and whether it rests. Thread-safe. Seconds: backoff, longest_rest.

    Raises ValueError on an address that connect refuses.
    """

    def __init__(
        self,
        urls: Sequence[str],
        connect: Callable[[str], ServerConnection],
        *,
        backoff: float,
        longest_rest: float,
    ) -> None:
        self._connect = connect
        self._backoff, self._longest_rest = backoff, longest_rest
        self._servers = [Server(url, [connect(url)]) for url in urls]
        self._lock = threading.Lock()

    @property
    def alone(self) -> bool:
        return len(self._servers) == 1

    def hashes(self, key: bytes) -> list[int]:
        """[servers], the highest of those alive names the server of key."""
        return server_hashes(key, [server.url for server in self._servers])

    def take(self, hashes: Sequence[int]) -> Server:
        """The server for a request with these hashes: of those alive, or, where none is, of all. It counts as busy."""
        with self._lock:
            now = time.monotonic()
            alive = [place for place, server in enumerate(self._servers) if server.dead_until <= now]
            places = alive or range(len(self._servers))
            named = self._servers[max(places, key=hashes.__getitem__)]
            idlest = min((self._servers[place] for place in places), key=lambda server: server.busy)
            server = idlest if named.busy > idlest.busy + SLACK else named
            server.busy += 1
            return server

    def connection(self, server: Server) -> ServerConnection:
        """One that nobody uses."""
        with self._lock:
            return server.idle.pop() if server.idle else self._connect(server.url)

    def give_back(self, server: Server, connection: ServerConnection, *, rest: float | None) -> None:
        """After a request: what take took.

        rest: None where it answered, be it with a refusal. Else the server rests, longer each time and at least as long
        as it asked for, these seconds.
        """
        with self._lock:
            server.busy -= 1
            dropped = []
            if rest is None:
                server.idle.append(connection)
                server.answered += 1
                server.failures = 0
                server.dead_until = 0.0
            else:
                own = self._backoff * 2 ** min(server.failures, _MOST_DOUBLINGS)
                server.dead_until = time.monotonic() + min(max(own, rest), self._longest_rest)
                server.failures += 1
                dropped, server.idle = [connection, *server.idle], []
        for one in dropped:
            one.close()

    def rest_of_all(self) -> float:
        """Seconds until the first server is to be asked again; 0 where one is."""
        with self._lock:
            first = min(server.dead_until for server in self._servers)
            return max(0.0, first - time.monotonic())

    def states(self) -> list[ServerState]:
        with self._lock:
            now = time.monotonic()
            return [ServerState(s.url, s.dead_until <= now, s.busy, s.answered) for s in self._servers]

    def close(self) -> None:
        with self._lock:
            idle = [connection for server in self._servers for connection in server.idle]
            for server in self._servers:
                server.idle = []
        for connection in idle:
            connection.close()
