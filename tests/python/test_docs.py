"""Every Python block of docs/python.md and README.md, in order: sessions (pycon) are compared, sources are run.

A source that names a library is run where that is installed, with a model, data and tasks of ours in the place of the
reader's.
"""

import doctest
import json
import re

import pytest

from conftest import SOURCE

BLOCK = re.compile(r"^```(pycon|python)\n(.*?)^```$", re.M | re.S)


NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?")


class Checker(doctest.OutputChecker):
    """As doctest's, but numbers may differ by 2 % or 0.05: another processor, another order of sums."""

    def check_output(self, want, got, flags):
        got = got.replace(" ]", "]")  # NumPy fills up what rounds to fewer digits
        near = NUMBER.findall(want), NUMBER.findall(got)
        if len(near[0]) == len(near[1]) and all(
            abs(float(a) - float(b)) <= max(0.05, 0.02 * abs(float(a))) for a, b in zip(*near, strict=True)
        ):
            got = NUMBER.sub(lambda _, wanted=iter(near[0]): next(wanted), got)
        return super().check_output(want, got, flags)


def blocks():
    return BLOCK.findall((SOURCE / "docs/python.md").read_text())


def test_sessions_and_sources(engine, capfd):
    names: dict = {}
    ran = 0
    for place, (kind, text) in enumerate(blocks()):
        if "integrations" in text:
            continue
        ran += 1
        if kind == "python":
            exec(compile(text, f"docs/python.md, block {place}", "exec"), names)
            continue
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        session = doctest.DocTestParser().get_doctest(text, names, f"block {place}", "docs/python.md", 0)
        result = doctest.DocTestRunner(Checker(), optionflags=flags).run(session, clear_globs=False)
        names.update(session.globs)
        assert result.failed == 0, capfd.readouterr().out
    assert ran == 9
    assert "10 of 10" in capfd.readouterr().out


def test_readme(engine, capfd):
    for kind, text in BLOCK.findall((SOURCE / "README.md").read_text()):
        exec(compile(text, f"README.md, {kind}", "exec"), {})
    assert "[0, 1]" in capfd.readouterr().out


def source(library):
    (found,) = [text for kind, text in blocks() if kind == "python" and f"endorm.integrations.{library} " in text]
    return found


def test_trl_source(engine, tmp_path):
    trl = pytest.importorskip("trl")
    datasets = pytest.importorskip("datasets")
    import policy

    tokenizer = policy.tokenizer()
    args = trl.GRPOConfig(
        output_dir=str(tmp_path), per_device_train_batch_size=2, num_generations=2, max_completion_length=4, max_steps=1,
        report_to=[], save_strategy="no", use_cpu=True, bf16=False, disable_tqdm=True,
    )  # fmt: skip
    dataset = datasets.Dataset.from_dict({"prompt": ["Hello?", "Well?"]})
    names = {"model": policy.model(len(tokenizer)), "tokenizer": tokenizer, "dataset": dataset, "args": args}
    exec(source("trl"), names)
    assert names["trainer"].state.global_step == 1


def test_openrlhf_source(engine):
    pytest.importorskip("torch")
    names: dict = {}
    exec(source("openrlhf"), names)
    assert names["reward_func"](["Two and two is four"], ["Two and two is"], [None])["rewards"].shape == (1,)


def test_ms_swift_source(engine):
    rewards = pytest.importorskip("swift.rewards")
    exec(source("ms_swift"), {})
    assert rewards.orms["endorm"].settings["aggregation"] == "mean"


def test_lm_eval_source(engine, tmp_path):
    pytest.importorskip("lm_eval")
    from lm_eval.tasks import TaskManager

    (tmp_path / "fruits.jsonl").write_text(json.dumps({"question": "An apple is a", "choices": ["fruit", "car"], "gold": 0}))
    config = {
        "task": "fruits", "dataset_path": "json", "dataset_kwargs": {"data_files": {"test": str(tmp_path / "fruits.jsonl")}},
        "test_split": "test", "doc_to_text": "{{question}}", "output_type": "multiple_choice", "doc_to_choice": "choices",
        "doc_to_target": "gold", "metric_list": [{"metric": "acc"}],
    }  # fmt: skip
    (tmp_path / "fruits.yaml").write_text(json.dumps(config))
    names = {"tasks": TaskManager(include_path=str(tmp_path), include_defaults=False)}
    exec(source("lm_eval"), names)
    assert names["results"]["results"]["fruits"]["acc,none"] == 1.0
