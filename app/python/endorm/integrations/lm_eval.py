"""lm-evaluation-harness: import this module, then
lm_eval.simple_evaluate(model="endorm", model_args="model=smollm2-135m", tasks=[...]); or pass EndoLM(...) as the model.

Text is read as it is (template "raw"): chat templates are the harness's own affair.
"""

from collections.abc import Sequence
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.api.registry import register_model

from .._extension import Engine
from .._generation import complete
from ._harness import are_greedy, at_word, log_prob_of, or_prefix, score_continuations


@register_model("endorm")
class EndoLM(LM):  # type: ignore[misc,unused-ignore]
    """A GGUF model on EndoRM's engine, for every kind of request that the harness makes.

    model and engine_options: as Engine takes; or an engine that is loaded with template="raw". prefix: what an empty
    context is replaced by, e.g. the text of the model's BOS token; without it such requests raise ValueError. greedy:
    whether is_greedy is computed, by drawing greedily behind each context; tasks that read log-likelihoods alone (most
    multiple choice) do without, and is_greedy is then False. max_gen_toks: tokens of a completion where the task does
    not say.
    """

    def __init__(
        self,
        model: str = "smollm2-135m",
        *,
        engine: Engine | None = None,
        prefix: str | None = None,
        greedy: bool = True,
        max_gen_toks: int = 256,
        batch_size: Any = None,
        max_batch_size: Any = None,
        device: Any = None,
        **engine_options: Any,
    ) -> None:
        """batch_size, max_batch_size and device are the harness's; the engine makes its own batches."""
        super().__init__()
        self._engine = engine or Engine(model, **{"template": "raw", **engine_options})
        if self._engine.template_fingerprint != "raw":
            raise ValueError('[EndoLM] the engine was loaded with a chat template. Give Engine(..., template="raw").')
        self._prefix = prefix
        self._greedy = greedy
        self._max_gen_toks = max_gen_toks

    def loglikelihood(self, requests: Sequence[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """[n] (log-likelihood of the continuation in nats, whether it is what greedy decoding writes)."""
        pairs = [at_word(*request.args, self._prefix) for request in requests]
        scored = score_continuations(pairs, self._engine, progress=not disable_tqdm or None)
        contexts = [context for context, _ in pairs]
        greedy = are_greedy(contexts, scored, self._engine) if self._greedy else [False] * len(pairs)
        return [(log_prob_of(one), same) for one, same in zip(scored, greedy, strict=True)]

    def loglikelihood_rolling(self, requests: Sequence[Instance], disable_tqdm: bool = False) -> list[float]:
        """[n] log-likelihoods of whole texts, nats. A text longer than the context raises ValueError."""
        pairs = [at_word("", request.args[0], self._prefix) for request in requests]
        return [log_prob_of(one) for one in score_continuations(pairs, self._engine, progress=not disable_tqdm or None)]

    def generate_until(self, requests: Sequence[Instance], disable_tqdm: bool = False) -> list[str]:
        """[n] completions, each up to the first of its stop texts."""
        texts = [""] * len(requests)
        for settings, places in _by_settings(requests).items():
            max_tokens, temperature, top_p, stop = settings
            drawn = complete(
                [or_prefix(requests[place].args[0], self._prefix) for place in places],
                engine=self._engine,
                max_tokens=max_tokens or self._max_gen_toks,
                temperature=temperature,
                top_p=top_p,
                stop=stop,
            )
            for place, one in zip(places, drawn, strict=True):
                texts[place] = one.text
        return texts

    @property
    def tokenizer_name(self) -> str:
        return self._engine.model_name


def _by_settings(requests: Sequence[Instance]) -> dict[tuple[int | None, float, float, tuple[str, ...]], list[int]]:
    """Places of the requests that are drawn alike: (max_tokens, temperature, top_p, stop texts)."""
    groups: dict[tuple[int | None, float, float, tuple[str, ...]], list[int]] = {}
    for place, request in enumerate(requests):
        asked = dict(request.args[1])
        until = asked.get("until") or ()
        stop = (until,) if isinstance(until, str) else tuple(until)
        sample = asked.get("do_sample", float(asked.get("temperature") or 0.0) > 0.0)
        temperature = float(asked.get("temperature", 1.0)) if sample else 0.0
        settings = (asked.get("max_gen_toks"), temperature, float(asked.get("top_p", 1.0)), stop)
        groups.setdefault(settings, []).append(place)
    return groups
