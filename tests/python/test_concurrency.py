"""Threads, event loops, progress, and what an import brings with it."""

import asyncio
import concurrent.futures
import pickle
import subprocess
import sys
import threading
import time

import pytest

import endorm

RECORDS = [{"prompt": f"Question {i}", "responses": ["yes", "no, and a few words more"]} for i in range(40)]


def test_threads_take_turns_on_one_engine(tiny):
    expected = [one.rewards.tolist() for one in endorm.score(RECORDS, engine=tiny)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        runs = [pool.submit(endorm.score, RECORDS, engine=tiny) for _ in range(16)]
        for run in runs:
            assert [one.rewards.tolist() for one in run.result()] == expected


def test_the_interpreter_goes_on_while_a_model_computes(engine):
    count = 0
    done = threading.Event()

    def work():
        endorm.score({"prompt": "Tell me all. " * 40, "response": "word " * 150}, engine=engine)
        done.set()

    worker = threading.Thread(target=work)
    worker.start()
    while not done.is_set():
        time.sleep(0.001)
        count += 1
    worker.join()
    assert count > 20  # held throughout, the lock would have let this loop turn once or twice


def test_async_and_progress(tiny):
    told = []

    async def both():
        return await asyncio.gather(
            endorm.score_async(RECORDS, engine=tiny, progress=lambda done, total: told.append((done, total))),
            endorm.rank_async(RECORDS[:3], engine=tiny),
        )

    scored, ranked = asyncio.run(both())
    assert [one.rewards.tolist() for one in scored] == [one.rewards.tolist() for one in endorm.score(RECORDS, engine=tiny)]
    assert [one.ranking[0].index for one in ranked] == [one.ranking[0] for one in scored[:3]]
    assert told[-1] == (40, 40) and len(told) > 1 and told == sorted(told)


def test_results_come_window_by_window_and_a_callback_may_score(tiny):
    seen = []

    def callback(done, total):
        seen.append(endorm.score(RECORDS[0], engine=tiny)[0].rewards.tolist())

    stream = endorm.iter_scored(RECORDS, engine=tiny, progress=callback)
    assert next(stream).id == "1" and seen == []
    assert len(list(stream)) == 39 and len(seen) > 1
    with pytest.raises(ZeroDivisionError):
        endorm.score(RECORDS, engine=tiny, progress=lambda done, total: 1 / 0)


def test_progress_line(tiny, capfd):
    endorm.score(RECORDS, engine=tiny, progress=True)
    assert "40/40 records" in capfd.readouterr().err


def test_errors_are_what_python_expects():
    assert issubclass(endorm.InvalidInput, ValueError)
    assert issubclass(endorm.EngineError, RuntimeError) and issubclass(endorm.InternalError, RuntimeError)


def test_an_engine_is_not_pickled(tiny):
    with pytest.raises(TypeError):
        pickle.dumps(tiny)


def test_import_brings_no_library_and_no_setting():
    code = (
        "import os, sys; before = dict(os.environ); import endorm, endorm.pool, endorm.integrations.trl, endorm.integrations.verl, "
        "endorm.integrations.openrlhf, endorm.integrations.ms_swift, endorm.integrations.ray; assert dict(os.environ) == before; "
        "print([m for m in ('torch', 'transformers', 'trl', 'datasets', 'pyarrow', 'swift', 'verl', 'ray') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
