"""What trainers' adapters do: completions of a policy, behind their prompts, to rewards of an engine here or of servers."""

import json
import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .._errors import InvalidInput
from ..pool import ServerPool

if TYPE_CHECKING:
    from .._core import Engine, ScoredResponse

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


def is_address(model: str) -> bool:
    """Whether a model is addresses of `endorm serve`, not what Engine takes."""
    return model.startswith(("http://", "https://"))


class CompletionScorer:
    """Rewards of completions by one engine, or by servers, which is made at the first use: until then, and across
    pickling, only its name is held. Safe to call from many threads.

    model, engine_options: what Engine takes, or addresses of `endorm serve` with commas between, and what ServerPool
    takes: then nothing is computed here. engine: one that is loaded already, in their place (then it cannot be pickled).
    unscored: the reward of a completion that has none, such as an empty one; None leaves it out. options: as score takes.
    Without score_turns among them, all turns of a completion are scored, and none of its prompt.
    """

    def __init__(
        self,
        model: str,
        *,
        engine: "Engine | None" = None,
        engine_options: Mapping[str, Any] | None = None,
        unscored: float | None = None,
        **options: Any,
    ) -> None:
        self.model = model
        self.engine_options = dict(engine_options or {})
        self.unscored = unscored
        self.options = options
        self.is_remote = engine is None and is_address(model)
        self._engine = engine
        self._pool: ServerPool | None = None
        self._loading = threading.Lock()

    def engine(self) -> "Engine":
        from .. import Engine

        with self._loading:
            if self._engine is None:
                self._engine = Engine(self.model, **self.engine_options)
            return self._engine

    def _servers(self) -> ServerPool:
        with self._loading:
            if self._pool is None:
                self._pool = ServerPool(self.model, **self.engine_options)
            return self._pool

    def rewards(self, completions: Sequence[Completion]) -> list[float | None]:
        """[n] rewards, higher is better. Completions of one prompt are scored together, so that it is read once."""
        rewards: list[float | None] = [self.unscored] * len(completions)
        chosen = "score_turns" in self.options
        several = [place for place, one in enumerate(completions) if one.turns > 1 and not chosen]
        single = [place for place, one in enumerate(completions) if one.turns == 1 or chosen]
        for place, one in self._scored(completions, single, {}):
            rewards[place] = one.reward
        for place, one in self._scored(completions, several, {"score_turns": "all", "tokens": True}):
            rewards[place] = _reward_of_last(one, completions[place].turns, self.options)
        return rewards

    def _scored(
        self, completions: Sequence[Completion], places: Sequence[int], more: Mapping[str, Any]
    ) -> "list[tuple[int, ScoredResponse | _Served]]":
        """(place, response) of those that have a score."""
        records: dict[str, dict[str, Any]] = {}
        entries: list[tuple[str, int]] = []
        for one in (completions[place] for place in places):
            prompt = one.prompt if isinstance(one.prompt, str) else [dict(message) for message in one.prompt]
            key = json.dumps([prompt, one.arguments], default=str)
            empty: dict[str, Any] = {"id": key, "prompt": prompt, "responses": [], "truncated": []}
            record = records.setdefault(key, empty)
            if one.arguments:
                record["chat_template_kwargs"] = one.arguments
            entries.append((key, len(record["responses"])))
            record["responses"].append(_entry(one))
            record["truncated"].append(not one.ended)
        if not records:
            return []
        scored = self._responses(records.values(), {**self.options, **more})
        responses = [scored[key][entry] for key, entry in entries]
        return [(place, one) for place, one in zip(places, responses, strict=True) if one.error is None]

    def _responses(
        self, records: Iterable[Mapping[str, Any]], options: Mapping[str, Any]
    ) -> "Mapping[str, Sequence[ScoredResponse | _Served]]":
        """Of each record, by its id."""
        if self.is_remote:
            rows = self._servers().rows(records, **options)
            return {row["id"]: [_Served.of(response) for response in row["responses"]] for row in rows}
        from .. import score

        return {one.id: one.responses for one in score(records, engine=self.engine(), **options)}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_engine", "_pool", "_loading")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _engine=None, _pool=None, _loading=threading.Lock())


def _entry(one: Completion) -> Any:
    """As an entry of a record's responses."""
    if one.ids is None:
        return one.response
    return {"ids": one.ids} if one.mask is None else {"ids": one.ids, "mask": one.mask}


@dataclass(frozen=True)
class _Served:
    """What a server said of a response."""

    reward: float
    error: str | None
    turns: Sequence[Any]

    @classmethod
    def of(cls, response: Mapping[str, Any]) -> "_Served":
        return cls(response.get("reward", math.nan), response.get("error"), response.get("turns", ()))


def _reward_of_last(one: "ScoredResponse | _Served", turns: int, options: Mapping[str, Any]) -> float:
    """The reward of these many turns at the end; those before are of the prompt."""
    if len(one.turns) <= turns:
        return one.reward
    if isinstance(one, _Served):
        raise InvalidInput(
            f"[endorm] {turns} turns of a completion stand behind {len(one.turns) - turns} of its prompt: servers give no "
            'reward of the last ones together. Give score_turns="last" or "all", or a model instead of an address.'
        )
    from .. import aggregate

    first = one.turns[-turns].begin
    steps = [(step.begin - first, step.end - first) for step in one.aggregates.steps if step.begin >= first]
    given = {name: options[name] for name in ("alpha", "gamma", "floor", "chunk", "last_k") if name in options}
    values = one.token_values if options.get("initial_value") else None
    value = None if values is None else float(values[first])
    log_probs = np.ascontiguousarray(one.token_log_probs[first:])
    return aggregate(log_probs, steps=steps, value=value, **given)[options.get("aggregation", "discounted")]


_shared: dict[str, CompletionScorer] = {}
_sharing = threading.Lock()


def shared_scorer(model: str, **settings: Any) -> CompletionScorer:
    """One scorer a process and settings, for libraries that take a bare function and call it from many threads."""
    key = json.dumps([model, settings], sort_keys=True, default=str)
    with _sharing:
        if key not in _shared:
            _shared[key] = CompletionScorer(model, **settings)
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
