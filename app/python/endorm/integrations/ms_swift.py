"""ms-swift: a file for --external_plugins that holds

from endorm.integrations.ms_swift import register
register(model="smollm2-135m")

and then --reward_funcs endorm.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ._completions import Completion, CompletionScorer, message_text


class EndoORM:
    """An outcome reward of ms-swift: the endogenous reward of each completion.

    ms-swift makes it with its own arguments, so settings are those of `settings`, which register() fills.
    """

    settings: Mapping[str, Any] = {}

    def __init__(self, args: Any = None, **kwargs: Any) -> None:
        self.args = args
        self._scorer = CompletionScorer(**{"model": "smollm2-135m", **self.settings})

    def __call__(
        self, completions: Sequence[str], messages: Sequence[Sequence[Mapping[str, Any]]] | None = None, **columns: Any
    ) -> list[float | None]:
        """[n] rewards. messages are the conversations, with or without the completion as their last turn. A completion
        without a reward (an empty one) gets `unscored` of the settings; None leaves it out. Whether it was cut off is
        taken from the column is_truncated where that is there; else no end of the turn is scored."""
        if messages is None:
            raise ValueError("[EndoORM] ms-swift passed no messages: the prompt is not known")
        truncated = columns.get("is_truncated")
        asked = []
        for place, (text, conversation) in enumerate(zip(completions, messages, strict=True)):
            turns = list(conversation)
            if turns and turns[-1].get("role") == "assistant":
                turns = turns[:-1]
            prompt = [{"role": turn["role"], "content": message_text(turn["content"])} for turn in turns]
            ended = truncated is not None and not truncated[place]
            asked.append(Completion(prompt, text, ended))
        return self._scorer.rewards(asked)


def register(name: str = "endorm", **settings: Any) -> type[EndoORM]:
    """Makes --reward_funcs NAME known to ms-swift. settings: model, engine_options, unscored, and what endorm.score
    takes."""
    from swift.rewards import orms

    made = type("EndoORM", (EndoORM,), {"settings": settings})
    orms[name] = made
    return made
