"""lm-evaluation-harness: import this module, then
lm_eval.simple_evaluate(model="endorm", model_args="model=smollm2-135m", tasks=[...]); or pass EndoLM(...) as the model.

Text is read as it is (template "raw"): chat templates are the harness's own affair.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.api.registry import register_model

from .._extension import Engine
from ._harness import are_greedy, at_word, draw, log_prob_of, or_prefix, score_continuations

if TYPE_CHECKING:
    from .._options import GenerationOptions


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
        pairs = [at_word(context, text, self._prefix) for context, text in (request.args for request in requests)]
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
        contexts = [or_prefix(request.args[0], self._prefix) for request in requests]
        drawn = draw(contexts, [self._settings(request.args[1]) for request in requests], self._engine)
        return [one.text for one in drawn]

    @property
    def tokenizer_name(self) -> str:
        return self._engine.model_name

    def _settings(self, asked: Mapping[str, Any]) -> "GenerationOptions":
        until = asked.get("until") or ()
        sample = asked.get("do_sample", float(asked.get("temperature") or 0.0) > 0.0)
        return {
            "max_tokens": asked.get("max_gen_toks") or self._max_gen_toks,
            "temperature": float(asked.get("temperature", 1.0)) if sample else 0.0,
            "top_p": float(asked.get("top_p", 1.0)),
            "stop": [until] if isinstance(until, str) else list(until),
        }
