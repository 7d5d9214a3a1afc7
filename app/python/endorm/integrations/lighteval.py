"""LightEval: `lighteval custom smollm2-135m PATH_OF_THIS_FILE TASKS` (python -m endorm.integrations.lighteval prints the
path), or Pipeline(model=EndoLightevalModel(engine=...), ...)."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lighteval.models.abstract_model import LightevalModel, ModelConfig
from lighteval.models.model_output import ModelResponse
from lighteval.tasks.prompt_manager import PromptManager
from lighteval.tasks.requests import Doc
from lighteval.utils.cache_management import SampleCache

# LightEval loads this file by its path, outside of the package.
from endorm._extension import Completion, Engine
from endorm.integrations._harness import Context, are_greedy, at_word, draw, log_prob_of, score_continuations

if TYPE_CHECKING:
    from endorm._options import GenerationOptions


class EndoLightevalModel(LightevalModel):  # type: ignore[misc,unused-ignore]
    """A GGUF model on EndoRM's engine, for every kind of request that LightEval makes.

    config: its model_name is as Engine takes, its system_prompt and generation_parameters hold for every task. engine: one
    that is loaded already; with template="raw" prompts are plain text with their few shots, otherwise messages in the
    model's own chat template. prefix: of a raw engine, what an empty prompt is replaced by, e.g. the text of the model's
    BOS token; without it such requests raise ValueError. greedy: whether argmax_logits_eq_gold of choices is computed,
    by drawing greedily behind each prompt; it is False without. chat_template_kwargs: what the chat template reads beside
    the messages. A choice is read directly behind the generation prompt, as the harness's own models read it: under a
    template that leaves a reasoning block open there, give e.g. {"enable_thinking": False}.
    """

    def __init__(
        self,
        config: ModelConfig | None = None,
        *,
        engine: Engine | None = None,
        prefix: str | None = None,
        greedy: bool = True,
        chat_template_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        if engine is None:
            if config is None:
                raise ValueError("[EndoLightevalModel] Give a config with a model_name, or an engine.")
            engine = Engine(config.model_name)
        self.config = config or ModelConfig(model_name=engine.model_name)
        self._engine = engine
        self._prefix = prefix
        self._greedy = greedy
        self._template_kwargs = chat_template_kwargs
        self._prompts = PromptManager(use_chat_template=False, tokenizer=None, system_prompt=self.config.system_prompt)
        self._cache = SampleCache(self.config)  # the pipeline initialises it; nothing is kept in it

    @property
    def tokenizer(self) -> Any:
        raise NotImplementedError("[EndoLightevalModel] The engine tokenizes; there is no transformers tokenizer.")

    @property
    def add_special_tokens(self) -> bool:
        return False

    @property
    def max_length(self) -> int:
        return int(self._engine.context)

    def greedy_until(self, docs: Sequence[Doc]) -> list[ModelResponse]:
        """[n], each with num_samples completions up to the first of its stop texts: greedy ones where the temperature of
        config.generation_parameters is 0, except that several samples of a doc are drawn at temperature 1."""
        contexts = [self._context(doc) for doc in docs]
        places = [place for place, doc in enumerate(docs) for _ in range(doc.num_samples or 1)]
        settings = [self._settings(docs[place]) for place in places]
        asked = [contexts[place] for place in places]
        drawn: list[list[Completion]] = [[] for _ in docs]
        for place, one in zip(places, draw(asked, settings, self._engine, self._template_kwargs), strict=True):
            drawn[place].append(one)
        return [
            ModelResponse(
                input=context,
                text=[one.text for one in samples],
                output_tokens=[list(one.token_ids) for one in samples],
            )
            for context, samples in zip(contexts, drawn, strict=True)
        ]

    def loglikelihood(self, docs: Sequence[Doc]) -> list[ModelResponse]:
        """[n], each with the log-likelihoods of its choices in nats."""
        asked = [[self._pair(self._context(doc), one) for one in doc.choices] for doc in docs]
        return self._read(asked, greedy=self._greedy)

    def loglikelihood_rolling(self, docs: Sequence[Doc]) -> list[ModelResponse]:
        """[n], each with the log-likelihood of its whole text in nats. A text longer than the context raises ValueError."""
        texts = [self._prompts.prepare_prompt(doc) + "".join(doc.choices) for doc in docs]
        return self._read([[self._pair("", text)] for text in texts], greedy=False)  # no perplexity asks for it

    def _context(self, doc: Doc) -> Context:
        if self._engine.template_fingerprint == "raw":
            return str(self._prompts.prepare_prompt(doc))
        messages: Context = self._prompts.prepare_prompt_api(doc)
        return messages

    def _pair(self, context: Context, continuation: str) -> tuple[Context, str]:
        if isinstance(context, str):
            return at_word(context, continuation, self._prefix)
        return context, continuation

    def _settings(self, doc: Doc) -> "GenerationOptions":
        parameters = self.config.generation_parameters
        return {
            "max_tokens": int(parameters.max_new_tokens or doc.generation_size or 256),
            "temperature": float(parameters.temperature or (1.0 if (doc.num_samples or 1) > 1 else 0.0)),
            "top_p": parameters.top_p or 1.0,
            "stop": [*(doc.stop_sequences or ()), *(parameters.stop_tokens or ())],
            "seed": parameters.seed or 0,
        }

    def _read(self, asked: Sequence[Sequence[tuple[Context, str]]], greedy: bool) -> list[ModelResponse]:
        pairs = [pair for of_doc in asked for pair in of_doc]
        scored = score_continuations(pairs, self._engine, template_kwargs=self._template_kwargs)
        contexts = [context for context, _ in pairs]
        same = [False] * len(pairs)
        if greedy:
            same = are_greedy(contexts, scored, self._engine, self._template_kwargs)
        responses = []
        begin = 0
        for of_doc in asked:
            own = slice(begin, begin + len(of_doc))
            begin += len(of_doc)
            responses.append(
                ModelResponse(
                    input=of_doc[0][0] if of_doc else "",
                    logprobs=[log_prob_of(one) for one in scored[own]],
                    argmax_logits_eq_gold=same[own],
                    output_tokens=[one.token_ids.tolist() for one in scored[own]],
                )
            )
        return responses


if __name__ == "__main__":
    print(__file__)
