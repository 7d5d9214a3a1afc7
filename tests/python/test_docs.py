"""Every Python block of docs/python.md, docs/token-rewards.md and README.md, in order: sessions (pycon) are compared, sources are run.

A source that names a library is run where that is installed, with a model, data and tasks of ours in the place of the
reader's.
"""

import doctest
import json
import re

import pytest

import endorm
from conftest import SOURCE
from served import Served

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


def blocks(page="docs/python.md"):
    return BLOCK.findall((SOURCE / page).read_text())


@pytest.mark.parametrize("page, count, printed", [("docs/python.md", 9, "10 of 10"), ("docs/token-rewards.md", 6, "")])
def test_sessions_and_sources(engine, capfd, page, count, printed):
    names: dict = {}
    ran = 0
    for place, (kind, text) in enumerate(blocks(page)):
        if "integrations" in text or "ServerPool" in text:
            continue
        ran += 1
        if kind == "python":
            exec(compile(text, f"{page}, block {place}", "exec"), names)
            continue
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        session = doctest.DocTestParser().get_doctest(text, names, f"block {place}", page, 0)
        result = doctest.DocTestRunner(Checker(), optionflags=flags).run(session, clear_globs=False)
        names.update(session.globs)
        assert result.failed == 0, capfd.readouterr().out
    assert ran == count
    assert printed in capfd.readouterr().out


def test_token_rewards_of_a_server(engine, command):
    (text,) = [text for _, text in blocks("docs/token-rewards.md") if "ServerPool" in text]
    server = Served(command, model="smollm2-135m")
    names: dict = {}
    exec(text.replace("http://127.0.0.1:8000", server.url), names)
    server.stop()
    (wanted,) = endorm.score({"prompt": "Capital of France?", "response": "Paris."}, engine=engine, tokens=True)
    columns = names["columns"]
    assert columns["text"] == wanted[0].token_texts
    for name, column in [("log_prob", wanted[0].token_log_probs), ("reward", wanted[0].token_rewards)]:
        assert columns[name] == pytest.approx(column.tolist(), abs=0.02)


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


@pytest.fixture
def asking(command, tmp_path):
    """A function that writes a block to a file, a live server's address in the place of the one it shows."""
    server = Served(command)

    def write(text, name):
        shown = '"http://127.0.0.1:8000"'
        assert text.count(shown) == 1
        (tmp_path / name).write_text(text.replace(shown, f'"{server.url}"'))
        return str(tmp_path / name)

    yield write
    server.stop()


def test_verl_configuration(asking, tiny):
    omegaconf = pytest.importorskip("omegaconf")
    pytest.importorskip("verl")
    from test_verl import expected, managed_reward

    (block,) = re.findall(r"^```yaml\n(.*?)^```$", (SOURCE / "docs/python.md").read_text(), re.M | re.S)
    config = omegaconf.OmegaConf.load(asking(block, "reward.yaml"))
    reward = managed_reward(config, {"question": "Name a colour."}, "Blue.")
    assert reward == pytest.approx(expected(tiny, "Name a colour.", "Blue.", aggregation="mean"), abs=1e-3)


def test_openrlhf_source(asking):
    agent = pytest.importorskip("openrlhf.utils.agent")
    executor = agent.SingleTurnAgentExecutor(asking(source("openrlhf"), "reward.py"))
    assert executor.reward_func(["Two and two is four"], ["Two and two is"], [None])["rewards"].shape == (1,)


def test_ms_swift_source(asking):
    rewards = pytest.importorskip("swift.rewards")
    from test_ms_swift import PROMPT, load_plugin

    load_plugin(asking(source("ms_swift"), "plugin.py"))
    assert rewards.orms["endorm"](args=None)(["Blue."], messages=[PROMPT])[0] < 0.0


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
