"""TRL: GRPOTrainer(reward_funcs=[EndoReward("policy.gguf")], ...), or EndoReward(server="http://HOST:8000")."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._completions import Completion, CompletionScorer, message_text
from ._policy_tokens import are_ours

if TYPE_CHECKING:
    from .._core import Engine

#: What a message may say beside its content.
_SAYS = ("tool_calls", "reasoning_content", "reasoning", "thinking")


class EndoReward:
    """A reward function of TRL (GRPO, RLOO): the endogenous reward of each completion behind its prompt.

    model: what Engine takes, with engine_options; or engine, one that is loaded; or server, addresses of `endorm serve`
    (a text with commas or a list), with server_options, which ServerPool takes: then nothing is computed here. One of
    them must be given: ValueError is raised else.

    A prompt that is a string is a user's question under the model's chat template; take engine_options
    {"template": "raw"} where prompts are templated already, {"template": "plain"} for a base model. What the trainer
    renders its prompts with (its tools, its chat_template_kwargs) TRL does not pass on: give it again as
    chat_template_kwargs={"tools": [...], ...}.

    token_ids: score the very tokens that the policy drew (completion_ids), not a second reading of their text. That needs
    a model of the policy's vocabulary. None: where the first completions' ids spell their texts in this model's;
    elsewhere texts are scored, and a warning says so once. True, False: always, never.

    A conversational completion with several turns (a rollout through tools: assistant, tool, assistant) has all turns of
    the assistant scored, each behind what precedes it, from its messages: TRL does not say which of completion_ids were a
    tool's. A rollout_func that returns "response_mask" (0 for tokens that are context) has the tokens themselves scored.
    score_turns="last" scores the last turn alone.

    end_token_ids: the policy's tokens that end a turn, for texts. A completion that closes with one has the end of its
    turn scored, another counts as cut off. Without them no end is scored at all: whether there was one is not known.
    unscored: the reward of a completion that has none (an empty one, or one longer than the context). None lets TRL
    leave it out of its group. options: as endorm.score takes, e.g. aggregation="mean".
    """

    def __init__(
        self,
        model: str | None = None,
        *,
        server: str | Sequence[str] | None = None,
        engine: "Engine | None" = None,
        engine_options: Mapping[str, Any] | None = None,
        server_options: Mapping[str, Any] | None = None,
        token_ids: bool | None = None,
        end_token_ids: Sequence[int] | None = None,
        unscored: float | None = None,
        name: str = "endorm",
        **options: Any,
    ) -> None:
        self.__name__ = name  # what TRL calls it in its logs
        self._token_ids = token_ids
        self._end_token_ids = None if end_token_ids is None else frozenset(end_token_ids)
        self._scorer = CompletionScorer(
            "EndoReward", model=model, server=server, engine=engine, engine_options=engine_options,
            server_options=server_options, unscored=unscored, **options,
        )  # fmt: skip

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        completion_ids: Sequence[Sequence[int]] | None = None,
        response_mask: Sequence[Sequence[int]] | None = None,
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """[n] rewards, as TRL asks for them; other columns of the data are not used."""
        if completion_ids is None and (self._end_token_ids is not None or self._token_ids):
            name = "token_ids=True" if self._token_ids else "end_token_ids"
            raise ValueError(f"[EndoReward] {name} was given, but TRL passed no completion_ids")
        by_ids = completion_ids is not None and self._scores_ids(completions, completion_ids)
        asked = []
        for place, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
            ids = () if completion_ids is None else completion_ids[place]
            ended = self._end_token_ids is not None and len(ids) > 0 and int(ids[-1]) in self._end_token_ids
            mask = None if response_mask is None else response_mask[place]
            asked.append(_completion(prompt, completion, ended, ids if by_ids else None, mask))
        rewards = self._scorer.rewards(asked)
        if log_metric is not None:
            known = [reward for reward in rewards if reward is not None]
            log_metric(f"{self.__name__}/unscored", 1.0 - len(known) / len(rewards) if rewards else 0.0)
        return rewards

    def _scores_ids(self, completions: Sequence[Any], completion_ids: Sequence[Sequence[int]]) -> bool:
        """Decided at the first completions that say something, and kept: rewards of two kinds do not compare."""
        if self._token_ids is None:
            texts = [one if isinstance(one, str) else _said(one) for one in completions]
            self._token_ids = are_ours(self._scorer.judge(), completion_ids, texts)
            if self._token_ids is False:
                warnings.warn(
                    "[EndoReward] the policy's token ids do not spell its completions in this model's vocabulary: their "
                    "texts are scored. token_ids=False does without this warning.",
                    stacklevel=3,
                )
        return self._token_ids is True


def _said(completion: Sequence[Mapping[str, Any]]) -> str:
    """The text of its first turn, of which every token was drawn."""
    return message_text(completion[0].get("content")) if completion else ""


def _completion(
    prompt: Any, completion: Any, ended: bool, ids: Sequence[int] | None, mask: Sequence[int] | None
) -> Completion:
    if isinstance(completion, str):
        return Completion(prompt, completion, ended, ids=ids if completion else None, mask=mask)
    if not completion:
        return Completion(prompt, "", ended)
    *earlier, last = completion
    says_more = any(last.get(name) for name in _SAYS)
    response = dict(last) if says_more else message_text(last.get("content"))
    if not earlier or (ids is not None and mask is not None):
        says = bool(response) or bool(earlier)
        return Completion(prompt, response, ended, ids=ids if says else None, mask=mask)
    if isinstance(prompt, str):
        prompt = [{"role": "user", "content": prompt}]
    turns = 1 + sum(message.get("role") == "assistant" for message in earlier)
    return Completion([*prompt, *earlier], response, ended, turns=turns)
