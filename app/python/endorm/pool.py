"""Rewards from servers: `endorm serve` on one or many machines, asked from Python.

    pool = ServerPool(["http://a:8000", "http://b:8000"])
    pool.rewards({"prompt": "Capital of France?", "responses": ["Paris.", "Rome."]})

It computes nothing and needs no extension.
"""

import asyncio
import json
import math
import threading
import warnings
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeAlias

from typing_extensions import Self, Unpack

from ._errors import EngineError, InvalidInput
from ._prompt_key import prompt_key
from ._record_fields import known_fields, missing_part
from ._records import Records, json_text, record_lines
from ._server_choice import Server, ServerState, Servers
from ._server_http import ServerConnection, ServerFailed

if TYPE_CHECKING:
    from ._options import ScoreOptions

#: A row as the server has it: "id", and "responses" with "reward" or "error" each, ... (docs/records.md).
Row: TypeAlias = dict[str, Any]


class ServerPool:
    """Servers that give the same rewards, used at once; from many threads and event loops.

    A record goes to the server that its prompt names, so that what a prompt's responses share is computed once, unless
    that one has four requests more than the idlest. A server that fails is left for a while and then asked again; what
    it was asked goes to another. The pool of `endorm score --judge server` (engine/remote/server_pool.h) goes by the same
    rules and, of the same addresses, to the same server.

    urls: addresses, or one text with commas between them. api_key: of all. model: its name, where servers have several.
    at_once: requests on their way together, over all callers (4 a server). tries: of a request, on whatever servers.
    Seconds: connect_timeout; reply_timeout of one reply; backoff before a try where no server is left, and a dead
    server's first rest, which doubles up to longest_rest; one that says Retry-After rests at least so long. Does not
    connect yet. Raises ValueError on no address, or one of another form.

    Pickled, it is its settings: each process has connections of its own.
    """

    def __init__(
        self,
        urls: str | Sequence[str],
        *,
        api_key: str = "",
        model: str | None = None,
        at_once: int | None = None,
        connect_timeout: float = 10.0,
        reply_timeout: float = 600.0,
        tries: int = 8,
        backoff: float = 0.5,
        longest_rest: float = 30.0,
    ) -> None:
        addresses = urls.split(",") if isinstance(urls, str) else list(urls)
        at_once = 4 * len(addresses) if at_once is None else at_once
        if not addresses or at_once < 1 or tries < 1:
            raise InvalidInput("[ServerPool] give at least one address, and at_once and tries of 1 or more")
        self._settings: dict[str, Any] = {
            "urls": addresses, "api_key": api_key, "model": model, "at_once": at_once, "connect_timeout": connect_timeout,
            "reply_timeout": reply_timeout, "tries": tries, "backoff": backoff, "longest_rest": longest_rest,
        }  # fmt: skip
        self._for_model: dict[str, Any] = {} if model is None else {"model": model}  # of every body
        self._tries, self._backoff, self._longest_rest = tries, backoff, longest_rest

        def connect(url: str) -> ServerConnection:
            return ServerConnection(url, api_key=api_key, connect_timeout=connect_timeout, reply_timeout=reply_timeout)

        self._servers = Servers(addresses, connect, backoff=backoff, longest_rest=longest_rest)
        self._workers = ThreadPoolExecutor(at_once, thread_name_prefix="endorm-pool")
        self._closing = threading.Event()

    def rewards(self, records: Records, **options: "Unpack[ScoreOptions]") -> list[list[float]]:
        """[records][responses] rewards in order, NaN where a response has none.

        records: as endorm.score takes them. options: as endorm.score has them; what is not given is as the server was
        started. Raises ValueError where a record has no prompt or no response, before anything is sent, or a server refuses
        it, and RuntimeError where no server answers (after all tries) or one refuses the key.
        """
        return [_row_rewards(row) for row in self.rows(records, **options)]

    def rows(self, records: Records, *, tokens: bool = False, **options: "Unpack[ScoreOptions]") -> list[Row]:
        """As rewards, with all that the server says: a row a record. tokens: with every token's quantities."""
        futures = self._ask(records, tokens, options)
        try:
            return [future.result() for future in futures]
        finally:
            _cancel(futures)

    async def rewards_async(self, records: Records, **options: "Unpack[ScoreOptions]") -> list[list[float]]:
        """As rewards; the event loop goes on. Cancelled, what was not sent yet is not sent."""
        return [_row_rewards(row) for row in await self.rows_async(records, **options)]

    async def rows_async(self, records: Records, *, tokens: bool = False, **options: "Unpack[ScoreOptions]") -> list[Row]:
        """As rows; the event loop goes on."""
        futures = await asyncio.to_thread(self._ask, records, tokens, options)
        try:
            return list(await asyncio.gather(*map(asyncio.wrap_future, futures)))
        finally:
            _cancel(futures)

    def token_bytes(self, token_ids: Sequence[int]) -> list[bytes]:
        """What each token spells in the vocabulary of the servers' model, of the first server that answers. Raises
        ValueError on an id beyond it, and as rewards does."""
        ids = [int(one) for one in token_ids]
        body: dict[str, Any] = {"tokens": ids, "with_pieces": True, **self._for_model}
        reply = self._post("/detokenize", b"", json.dumps(body).encode())
        pieces = [piece["piece"] for piece in reply["tokens"]] if "tokens" in reply else None
        if pieces is None or len(pieces) != len(ids):
            raise EngineError("[ServerPool] a reply of /detokenize has no pieces: is it endorm serve of this version?")
        return [piece.encode() if isinstance(piece, str) else bytes(piece) for piece in pieces]

    def states(self) -> list[ServerState]:
        """Each server, in the order of urls: whether it rests, requests on their way, requests answered."""
        return self._servers.states()

    def close(self) -> None:
        """Ends what waits, and the connections. The pool cannot be used afterwards."""
        self._closing.set()
        self._workers.shutdown(cancel_futures=True)
        self._servers.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self._settings,)

    def _ask(self, records: Records, tokens: bool, options: "ScoreOptions") -> "list[Future[Row]]":
        kept_here = ("share_prefixes", "chat_template_kwargs")  # a server decides the first, records hold the other
        sent = {name: value for name, value in options.items() if name not in kept_here}
        arguments = options.get("chat_template_kwargs") or {}
        bodies = []
        unknown: dict[str, None] = {}
        for number, line in record_lines(records):
            record, fields = _checked(line, number)
            unknown.update(dict.fromkeys(fields))
            if record.get("id") is None:
                record["id"] = str(number)
            if arguments:
                record["chat_template_kwargs"] = {**arguments, **(record.get("chat_template_kwargs") or {})}
            body: dict[str, Any] = {"records": [record], "options": {**sent, "tokens": tokens}, **self._for_model}
            bodies.append((number, prompt_key(record), json_text(body, "[ServerPool] a request").encode()))
        if unknown:
            warnings.warn(f"fields that are not used: {', '.join(unknown)}", stacklevel=4)
        return [self._workers.submit(self._row, *asked) for asked in bodies]

    def _row(self, number: int, key: bytes, body: bytes) -> Row:
        try:
            reply = self._post("/v1/rewards", key, body)
        except InvalidInput as error:
            raise InvalidInput(f"{error} It was asked of record {number}.") from error
        rows = reply.get("rows") if isinstance(reply, Mapping) else None
        if not isinstance(rows, list) or len(rows) != 1 or "responses" not in rows[0]:
            raise ServerFailed('[ServerPool] a reply is no {"rows": [{"responses"}]}: is it endorm serve?', again=False)
        return dict(rows[0])

    def _post(self, path: str, key: bytes, body: bytes) -> Any:
        pause = self._backoff
        hashes = self._servers.hashes(key)
        for tried in range(1, self._tries + 1):
            server = self._servers.take(hashes)
            try:
                return self._answer(server, path, body)
            except ServerFailed as failure:
                if tried == self._tries or (self._servers.alone and not failure.again) or self._closing.is_set():
                    raise type(failure)(f"{failure} Tried {tried} times.", again=failure.again) from failure
            if rest := self._servers.rest_of_all():
                self._closing.wait(max(pause, rest))
                pause = min(2 * pause, self._longest_rest)
        raise AssertionError("unreachable: the last try returns or raises")

    def _answer(self, server: Server, path: str, body: bytes) -> Any:
        connection = self._servers.connection(server)
        rest = None
        try:
            return connection.post(path, body)
        except ServerFailed as failure:
            rest = failure.rest
            raise
        finally:
            self._servers.give_back(server, connection, rest=rest)


def _restored(settings: dict[str, Any]) -> ServerPool:
    return ServerPool(**settings)


def _row_rewards(row: Row) -> list[float]:
    return [response.get("reward", math.nan) for response in row["responses"]]


def _checked(line: str, number: int) -> tuple[dict[str, Any], list[str]]:
    """A record without the fields that are not used, and their names. Raises ValueError where it lacks a part."""
    try:
        given = json.loads(line)
    except ValueError as error:
        raise InvalidInput(f"[ServerPool] record {number} is no JSON: {error}") from error
    if not isinstance(given, dict):
        raise InvalidInput(f"[ServerPool] record {number} is a JSON {type(given).__name__}, expected an object.")
    if missing := missing_part(given):
        raise InvalidInput(f"[ServerPool] record {number} has {missing}.")
    return known_fields(given)


def _cancel(futures: "Iterable[Future[Row]]") -> None:
    for future in futures:
        future.cancel()
