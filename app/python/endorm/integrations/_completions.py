"""What all adapters do: completions of a policy, behind their prompts, to rewards."""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from .._core import Engine
from .._scoring import score

#: A prompt as text, or as messages {"role", "content"}.
Prompt: TypeAlias = "str | Sequence[Mapping[str, Any]]"


@dataclass(frozen=True)
class Completion:
    """One completion of a policy. ended: it closed its turn, so the token that does is scored; else none is invented."""

    prompt: Prompt
    text: str
    ended: bool = False


class CompletionScorer:
    """Rewards of completions by one engine, which is loaded at the first use: until then, and across pickling, only its
    name is held. Safe to call from many threads.

    model, engine_options: what Engine takes; engine: one that is loaded already, in their place (then it cannot be
    pickled). unscored: the reward of a completion that has none, such as an empty one; None leaves it out. options: as
    score takes.
    """

    def __init__(
        self,
        model: str,
        *,
        engine: Engine | None = None,
        engine_options: Mapping[str, Any] | None = None,
        unscored: float | None = None,
        **options: Any,
    ) -> None:
        self.model = model
        self.engine_options = dict(engine_options or {})
        self.unscored = unscored
        self.options = options
        self._engine = engine
        self._loading = threading.Lock()

    def engine(self) -> Engine:
        with self._loading:
            if self._engine is None:
                self._engine = Engine(self.model, **self.engine_options)
            return self._engine

    def rewards(self, completions: Sequence[Completion]) -> list[float | None]:
        """[n] rewards, higher is better. Completions of one prompt are scored together, so that it is read once."""
        records: dict[str, dict[str, Any]] = {}
        places: list[tuple[str, int]] = []
        for completion in completions:
            prompt = completion.prompt if isinstance(completion.prompt, str) else [dict(m) for m in completion.prompt]
            key = json.dumps(prompt, default=str)
            record = records.setdefault(key, {"id": key, "prompt": prompt, "responses": []})
            places.append((key, len(record["responses"])))
            record["responses"].append({"text": completion.text, "truncated": not completion.ended})
        scored = {one.id: one for one in score(records.values(), engine=self.engine(), **self.options)}
        responses = [scored[key][place] for key, place in places]
        return [one.reward if one.error is None else self.unscored for one in responses]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_engine", "_loading")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _engine=None, _loading=threading.Lock())


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
