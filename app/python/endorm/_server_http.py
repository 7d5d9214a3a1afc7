"""One kept connection to an `endorm serve`, and what its answers mean."""

import http.client
import json
import time
import urllib.parse
from typing import Any

from ._errors import EngineError, InvalidInput

#: Statuses that may be others later.
PASSING = frozenset({408, 429, 500, 502, 503, 504})
_LONGEST_EXCERPT = 300


class ServerFailed(EngineError):
    """No answer that counts: the server is not there, is too busy, or failed. Another, or a later try, may answer.

    again: whether the same server is worth asking again (after a time-out it is still busy with the first try). rest:
    seconds until then, where it said so (Retry-After).
    """

    def __init__(self, message: str, *, again: bool, rest: float = 0.0) -> None:
        super().__init__(message)
        self.again, self.rest = again, rest


class ServerConnection:
    """One connection, opened at the first request and kept. One caller at a time.

    url: http:// or https://, host, port, perhaps a path; a "/v1" at its end is dropped. Seconds: connect_timeout to reach
    it, reply_timeout for one whole reply. Raises ValueError on an address of another form.
    """

    def __init__(self, url: str, *, api_key: str, connect_timeout: float, reply_timeout: float) -> None:
        self.base = url.rstrip("/").removesuffix("/v1")
        parts = urllib.parse.urlsplit(self.base)
        if parts.scheme not in ("http", "https") or not parts.hostname or any(c in url for c in "@?# \t\r\n"):
            raise InvalidInput(
                f'[ServerPool] "{url}" is not a server\'s address. Write http://host:port or https://host/path; a key '
                "goes into api_key, not into the address."
            )
        try:
            port = parts.port
        except ValueError as error:
            raise InvalidInput(f'[ServerPool] "{url}" is not a server\'s address: {error}') from error
        self._host, self._port, self._prefix = parts.hostname, port, parts.path
        self._kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._headers = {"Content-Type": "application/json"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._connect_timeout, self._reply_timeout = connect_timeout, reply_timeout
        self._connection: http.client.HTTPConnection | None = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def post(self, path: str, body: bytes) -> Any:
        """The JSON of the reply with status 200.

        Raises ValueError where the server refuses the request as wrong (400, 413, 422: another would, too), ServerFailed
        where another try may help, RuntimeError where it says no as it would again (401, 403, 404, 405).
        """
        address = self.base + path
        begin = time.monotonic()
        try:
            status, rest, reply = self._exchange(self._prefix + path, body)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if isinstance(error, TimeoutError) and time.monotonic() - begin >= self._reply_timeout:
                said = f"[ServerPool] {address} did not answer within {self._reply_timeout} s. Raise reply_timeout."
                raise ServerFailed(said, again=False) from error
            said = f"[ServerPool] {address} could not be reached ({error or type(error).__name__})."
            raise ServerFailed(f"{said} Check that the server runs and that the address is right.", again=True) from error
        if status == 200:
            try:
                return json.loads(reply)
            except ValueError as error:
                said = f'[ServerPool] {address} answered "{_excerpt(reply)}", which is no JSON.'
                raise ServerFailed(said, again=False) from error
        said = f"[ServerPool] {address} answered status {status}: {_message(reply)}."
        if status in (400, 413, 422):
            raise InvalidInput(f"{said} Change the record or the options that the server names.")
        if status in (401, 403):
            raise EngineError(f"{said} Give the server's api_key.")
        if status in (404, 405):
            raise EngineError(f"{said} Check that the address is one of endorm serve.")
        raise ServerFailed(f"{said} Look into the server's log.", again=status in PASSING, rest=rest)

    def _exchange(self, path: str, body: bytes) -> tuple[int, float, bytes]:
        if self._connection is not None:
            try:
                return self._ask(self._connection, path, body)
            except (ConnectionError, http.client.BadStatusLine):
                self.close()  # a server may close a connection that was idle: that is no failure
        self._connection = self._kind(self._host, self._port, timeout=self._connect_timeout)
        self._connection.connect()
        self._connection.sock.settimeout(self._reply_timeout)
        return self._ask(self._connection, path, body)

    def _ask(self, connection: http.client.HTTPConnection, path: str, body: bytes) -> tuple[int, float, bytes]:
        """Status, seconds of Retry-After (0 without it, or where it is a date), reply."""
        connection.request("POST", path, body, self._headers)
        response = connection.getresponse()
        reply = response.read()
        if response.will_close:
            self.close()
        rest = response.getheader("Retry-After", "")
        return response.status, float(rest) if rest.isdecimal() else 0.0, reply


def _message(reply: bytes) -> str:
    """What the server said, of the forms that servers use."""
    try:
        said = json.loads(reply)
    except ValueError:
        return _excerpt(reply) or "(no text)"
    for name in ("error", "message", "detail"):
        if isinstance(said, dict) and name in said:
            inner = said[name]
            return _excerpt(inner["message"] if isinstance(inner, dict) and "message" in inner else inner)
    return _excerpt(reply)


def _excerpt(text: Any) -> str:
    plain = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    return plain if len(plain) <= _LONGEST_EXCERPT else plain[:_LONGEST_EXCERPT] + "..."
