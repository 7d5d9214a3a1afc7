"""ms-swift: a file for --external_plugins that holds

from endorm.integrations.ms_swift import register
register(server="http://HOST:8000")  # or register(model="policy.gguf")

and then --reward_funcs endorm.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ._completions import Completion, CompletionScorer


class EndoORM:
    """An outcome reward of ms-swift: the endogenous reward of each completion.

    ms-swift makes it with its own arguments, so settings are those of `settings`, which register() fills.
    """

    settings: Mapping[str, Any] = {}

    def __init__(self, args: Any = None, **kwargs: Any) -> None:
        self.args = args
        self._scorer = CompletionScorer("EndoORM", **self.settings)

    def __call__(
        self, completions: Sequence[str], messages: Sequence[Sequence[Mapping[str, Any]]] | None = None, **columns: Any
    ) -> list[float | None]:
        """[n] rewards. messages are the conversations, with or without the completion as their last turn; the columns
        tools and chat_template_kwargs go to the chat template. A completion without a reward (an empty one) gets
        `unscored` of the settings; None leaves it out. Whether it was cut off is taken from the column is_truncated where
        that is there; else no end of the turn is scored. ms-swift passes texts, not the tokens that were drawn."""
        if messages is None:
            raise ValueError("[EndoORM] ms-swift passed no messages: the prompt is not known")
        truncated = columns.get("is_truncated")
        asked = []
        for place, (text, conversation) in enumerate(zip(completions, messages, strict=True)):
            turns = list(conversation)
            if turns and turns[-1].get("role") == "assistant":
                turns = turns[:-1]
            ended = truncated is not None and not truncated[place]
            asked.append(Completion(turns, text, ended, arguments=_arguments(columns, place)))
        return self._scorer.rewards(asked)


def _arguments(columns: Mapping[str, Any], place: int) -> dict[str, Any] | None:
    """What the chat template of one conversation reads beside its messages."""
    given = columns.get("chat_template_kwargs")
    arguments = dict(given[place] or {}) if given is not None else {}
    tools = columns.get("tools")
    if tools is not None and tools[place]:
        arguments["tools"] = json.loads(tools[place]) if isinstance(tools[place], str) else tools[place]
    return arguments or None


def register(name: str = "endorm", **settings: Any) -> type[EndoORM]:
    """Makes --reward_funcs NAME known to ms-swift. settings: model with engine_options, or server with server_options;
    unscored, and what endorm.score takes. Raises ValueError without model and server."""
    from swift.rewards import orms

    CompletionScorer("register", **settings)  # so that a mistake is told here
    made = type("EndoORM", (EndoORM,), {"settings": settings})
    orms[name] = made
    return made
