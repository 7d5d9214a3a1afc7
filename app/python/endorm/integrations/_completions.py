"""What trainers' adapters do: completions of a policy, behind their prompts, to rewards of an engine here or of servers."""

import json
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from .._errors import InvalidInput
from ..pool import ServerPool

if TYPE_CHECKING:
    from .._core import Engine

#: A prompt as text, or as messages {"role", "content", ...}.
Prompt: TypeAlias = "str | Sequence[Mapping[str, Any]]"


@dataclass(frozen=True)
class Completion:
    """One completion of a policy. ended: it closed its turn, so the token that does is scored; else none is invented.

    response: its text, or a message of the assistant with all that it holds. turns: how many of the assistant's it has;
    all but the last are at the end of the prompt. ids, mask: the tokens that were drawn, in the judging model's own
    vocabulary, which are then scored in the place of the response. arguments: what the chat template reads beside the
    messages.
    """

    prompt: Prompt
    response: str | Mapping[str, Any]
    ended: bool = False
    turns: int = 1
    ids: Sequence[int] | None = None
    mask: Sequence[int] | None = None
    arguments: Mapping[str, Any] | None = None


class CompletionScorer:
    """Rewards of completions by one engine, which is loaded at the first use, or by servers. Safe to call from many
    threads; pickled it is its settings.

    caller: what messages begin with. Exactly one of: model, what Engine takes; server, addresses of `endorm serve`, with
    commas between or a list, and then nothing is computed here; engine, one that is loaded already (then it cannot be
    pickled). engine_options: what Engine takes beside a model; server_options: what ServerPool takes beside addresses.
    unscored: the reward of a completion that has none, such as an empty one; None leaves it out. options: as score takes.
    Without score_turns among them, all turns of a completion are scored, and none of its prompt.
    """

    def __init__(
        self,
        caller: str,
        *,
        model: str | None = None,
        server: str | Sequence[str] | None = None,
        engine: "Engine | None" = None,
        engine_options: Mapping[str, Any] | None = None,
        server_options: Mapping[str, Any] | None = None,
        unscored: float | None = None,
        **options: Any,
    ) -> None:
        _check_judge(caller, {"model": model, "server": server, "engine": engine}, engine_options, server_options)
        self.unscored = unscored
        self.options = options
        self._caller = caller
        self._model, self._engine_options, self._engine = model, dict(engine_options or {}), engine
        self._servers = None if server is None else ServerPool(_plain_addresses(server), **(server_options or {}))
        self._loading = threading.Lock()

    def judge(self) -> "Engine | ServerPool":
        """What gives the rewards."""
        return self.engine() if self._servers is None else self._servers

    def engine(self) -> "Engine":
        from .. import Engine

        with self._loading:
            if self._engine is None:
                assert self._model is not None  # or there were servers
                self._engine = Engine(self._model, **self._engine_options)
            return self._engine

    def rewards(self, completions: Sequence[Completion]) -> list[float | None]:
        """[n] rewards, higher is better. Completions of one prompt are scored together, so that it is read once."""
        records: dict[str, dict[str, Any]] = {}
        entries: list[tuple[str, int]] = []
        for one in completions:
            record = self._record(one)
            record = records.setdefault(record["id"], record)
            entries.append((record["id"], len(record["responses"])))
            record["responses"].append(_entry(one))
            record["truncated"].append(not one.ended)
        scored = self._scored(records.values())
        return [self.unscored if scored[key][place] is None else scored[key][place] for key, place in entries]

    def _record(self, one: Completion) -> dict[str, Any]:
        """The record of its prompt, without a response yet."""
        record: dict[str, Any] = {"prompt": one.prompt if isinstance(one.prompt, str) else [*map(dict, one.prompt)]}
        if one.arguments:
            record["chat_template_kwargs"] = one.arguments
        if one.turns > 1 and "score_turns" not in self.options:
            record["score_turns"] = one.turns
        return {"id": json.dumps(record, default=str), **record, "responses": [], "truncated": []}

    def _scored(self, records: Collection[Mapping[str, Any]]) -> Mapping[str, Sequence[float | None]]:
        """Of each record, by its id; None: no reward."""
        if self._servers is not None:
            rows = self._servers.rows(records, **self.options) if records else []
            return {row["id"]: [response.get("reward") for response in row["responses"]] for row in rows}
        from .. import score

        scored = score(records, engine=self.engine(), **self.options) if records else []
        return {one.id: [None if each.error else each.reward for each in one.responses] for one in scored}

    def __getstate__(self) -> dict[str, Any]:
        if self._model is None and self._servers is None:
            raise TypeError(f"[{self._caller}] an engine cannot be pickled. Give model or server in its place.")
        return {name: value for name, value in self.__dict__.items() if name not in ("_engine", "_loading")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _engine=None, _loading=threading.Lock())


def _check_judge(
    caller: str,
    judges: Mapping[str, Any],
    engine_options: Mapping[str, Any] | None,
    server_options: Mapping[str, Any] | None,
) -> None:
    """Raises ValueError where it is not said, or said twice, what gives the rewards: there is no default."""
    given = [name for name, value in judges.items() if value is not None]
    if not given:
        raise InvalidInput(
            f'[{caller}] what gives the rewards is not said, and there is no default. Give model="FILE.gguf" (or another '
            'name that Engine takes), which is computed in this process, or server="http://HOST:8000" of `endorm serve`.'
        )
    if len(given) > 1:
        raise InvalidInput(f"[{caller}] {' and '.join(given)} are given together. Give one of them.")
    model = judges["model"]
    if model is not None and str(model).startswith(("http://", "https://")):
        raise InvalidInput(f'[{caller}] model="{model}" is an address. Give it as server.')
    if engine_options and judges["server"] is not None:
        raise InvalidInput(f"[{caller}] engine_options are for a model in this process. Give server_options.")
    if server_options and judges["server"] is None:
        raise InvalidInput(f"[{caller}] server_options are for servers, and no server is given.")


def _plain_addresses(server: Any) -> str | list[str]:
    """Configurations hold lists of their own kinds."""
    return server if isinstance(server, str) else [str(address) for address in server]


def _entry(one: Completion) -> Any:
    """As an entry of a record's responses."""
    if one.ids is None:
        return one.response
    return {"ids": one.ids} if one.mask is None else {"ids": one.ids, "mask": one.mask}


_shared: dict[str, CompletionScorer] = {}
_sharing = threading.Lock()


def shared_scorer(caller: str, **settings: Any) -> CompletionScorer:
    """One scorer a process and settings, for libraries that take a bare function and call it from many threads."""
    key = json.dumps([caller, settings], sort_keys=True, default=str)
    with _sharing:
        if key not in _shared:
            _shared[key] = CompletionScorer(caller, **settings)
        return _shared[key]


def message_text(content: Any) -> str:
    """The text of a message's content: a string, or parts {"type": "text", "text"}."""
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    parts = [part for part in content if part.get("type", "text") == "text"]
    if len(parts) != len(content):
        raise ValueError("[endorm] a completion holds parts that are no text: images are not supported yet")
    return "".join(part["text"] for part in parts)
