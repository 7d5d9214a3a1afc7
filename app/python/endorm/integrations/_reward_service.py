"""Rewards over HTTP with Ray Serve: the route /v1/rewards, as `endorm serve` has it."""

import asyncio
import json
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._errors import InvalidInput
from .._extension import Engine, Scored, parse_record, score_option_names
from .._scoring import score
from ._worker_threads import worker_threads

if TYPE_CHECKING:
    from ray.serve import Application, Deployment
    from starlette.requests import Request
    from starlette.responses import Response

_DEFAULT_AGGREGATION = "discounted"


def reward_deployment(
    model: str,
    *,
    threads: int | None = None,
    engine_options: Mapping[str, Any] | None = None,
    batch_records: int = 64,
    linger: float = 0.002,
    deployment: Mapping[str, Any] | None = None,
    **options: Any,
) -> "Application":
    """An application for `serve.run`, whose POST /v1/rewards takes a record or {"records"} and answers with rows.

    The body and the answer are those of `endorm serve` (docs/serving.md), with its "options" but for "text": "raw"
    (load the engine with template="raw") and "stream"; endorm.pool.ServerPool is a client. GET /health answers
    {"status": "ok"}.

    deployment: what serve.deployment takes, e.g. {"num_replicas": 4, "ray_actor_options": {"num_cpus": 2}}; each replica
    holds an engine, with as many threads as it has CPUs (or `threads`). Requests that wait are scored together, up to
    batch_records; the first waits `linger` seconds for others. options: as endorm.score, where a request gives none.
    """
    from ray import serve

    settings: dict[str, Any] = {"name": "endorm", "max_ongoing_requests": 4 * batch_records, **(deployment or {})}
    deployed = typing.cast("Deployment", serve.deployment(RewardService, **settings))
    return deployed.bind(model, threads, dict(engine_options or {}), batch_records, linger, options)


class RewardService:
    """A replica. Raises ValueError on an option that endorm.score does not have."""

    def __init__(
        self,
        model: str,
        threads: int | None,
        engine_options: Mapping[str, Any],
        batch_records: int,
        linger: float,
        options: Mapping[str, Any],
    ) -> None:
        from ray import serve

        self._names = frozenset(score_option_names()) - {"share_prefixes"}
        self._options = {**options}
        _check(self._options, self._names | {"share_prefixes"})
        threads = worker_threads() if threads is None else threads
        self._model = model
        self._engine = Engine(model, **{"threads": threads, **engine_options})

        @serve.batch(max_batch_size=batch_records, batch_wait_timeout_s=linger)  # type: ignore[untyped-decorator,unused-ignore]
        async def together(asked: list[tuple[str, dict[str, Any]]]) -> list[Scored | Exception]:
            return await asyncio.to_thread(self._score, asked)

        self._together = together

    async def __call__(self, request: "Request") -> "Response":
        from starlette.responses import JSONResponse

        path, method = request.url.path.removeprefix(request.scope.get("root_path", "")), request.method
        if path == "/health" and method == "GET":
            return JSONResponse({"status": "ok"})
        if path != "/v1/rewards":
            return _error(404, "invalid_request_error", f"there is no {path}; there are /v1/rewards and /health.")
        if method != "POST":
            return _error(405, "invalid_request_error", f"{path} takes POST.")
        try:
            return JSONResponse(await self._answer(await request.body()))
        except (ValueError, TypeError) as error:  # a TypeError is an option of another type
            return _error(400, "invalid_request_error", str(error))
        except RuntimeError as error:
            return _error(503, "engine_error", str(error))

    async def _answer(self, text: bytes) -> dict[str, Any]:
        body = json.loads(text)
        if not isinstance(body, dict):
            raise InvalidInput("the body is no JSON object.")
        given = body.pop("options", None) or {}
        if not isinstance(given, dict):
            raise InvalidInput('"options" is no JSON object.')
        options = {"tokens": True, **self._options, **_check(given, self._names | {"tokens"})}
        if body.pop("stream", False):
            raise InvalidInput('"stream" is not offered here.')
        if body.pop("model", None) not in (None, self._model):
            raise InvalidInput(f"the model here is {self._model}.")
        records = body.get("records", [body])
        if not isinstance(records, list) or not records:
            raise InvalidInput('"records" must be a list that is not empty.')
        for number, record in enumerate(records, 1):
            _, unknown, _ = parse_record(json.dumps(record), number, options.get("step_separator", "\n\n"))
            if unknown:
                raise InvalidInput(f'records[{number - 1}]: the field "{unknown[0]}" is not known.')
        kind = json.dumps(options)  # unsorted: templates write tools as they were given
        ids = [str(number) if record.get("id") is None else record["id"] for number, record in enumerate(records, 1)]
        asked = [(kind, {**record, "id": one}) for one, record in zip(ids, records, strict=True)]
        scored = await asyncio.gather(*(self._together(one) for one in asked))
        reply = {"model": self._model, "aggregation": options.get("aggregation", _DEFAULT_AGGREGATION)}
        rows = [_row(one) for one in scored]
        return {**reply, "rows": rows} if "records" in body else {**reply, **rows[0]}

    def _score(self, asked: list[tuple[str, dict[str, Any]]]) -> list[Scored | Exception]:
        """Records of the same options together. A wrong option is the answer of its own requests alone."""
        answers: dict[int, Scored | Exception] = {}
        for kind in dict.fromkeys(kind for kind, _ in asked):
            places = [place for place, (of, _) in enumerate(asked) if of == kind]
            try:
                scored = score([asked[place][1] for place in places], engine=self._engine, **json.loads(kind))
                answers.update(zip(places, scored, strict=True))
            except Exception as error:
                answers.update(dict.fromkeys(places, error))
        return [answers[place] for place in range(len(asked))]


def _check(options: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    for name in options:
        if name not in names:
            raise InvalidInput(f'there is no option "{name}". There are {", ".join(sorted(names))}.')
    return options


def _row(scored: Scored | Exception) -> dict[str, Any]:
    if isinstance(scored, Exception):
        raise scored
    row: dict[str, Any] = json.loads(scored.row())
    return {name: value for name, value in row.items() if name not in ("line", "key")}


def _error(status: int, kind: str, message: str) -> "Response":
    from starlette.responses import JSONResponse

    return JSONResponse({"error": {"message": message, "type": kind, "code": status}}, status)
