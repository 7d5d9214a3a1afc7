"""EndoLightevalModel in LightEval itself, on tasks of local files."""

import json
import pathlib
import subprocess
import sys

import pytest

import endorm
from conftest import QUESTIONS

lighteval = pytest.importorskip("lighteval")

TASKS = """
from lighteval.metrics.metrics import Metrics
from lighteval.tasks.lighteval_task import LightevalTaskConfig
from lighteval.tasks.requests import Doc

def ask(line, task_name=None):
    return Doc(task_name=task_name, query=line["question"], choices=[" " + one for one in line["choices"]],
               gold_index=line["gold"])

def read(line, task_name=None):
    return Doc(task_name=task_name, query="", original_query=line["question"], choices=[line["question"]], gold_index=0)

def task(name, function, metrics, **more):
    return LightevalTaskConfig(name=name, prompt_function=function, hf_repo=DATA, hf_subset="default",
                               hf_avail_splits=["test"], evaluation_splits=["test"], metrics=metrics, **more)

TASKS_TABLE = [
    task("choice", ask, [Metrics.loglikelihood_acc]),
    task("written", ask, [Metrics.exact_match], generation_size=8, stop_sequence=[".", "\\n"]),
    task("rolling", read, [Metrics.word_perplexity]),
]
"""


@pytest.fixture
def tasks(tmp_path, monkeypatch):
    """A file of tasks over QUESTIONS. LightEval keeps its caches in the folder too."""
    try:  # LightEval imports all of its own tasks to find ours
        import lighteval.tasks.tasks.tiny_benchmarks  # noqa: F401
    except OSError as missing:
        pytest.skip(f"LightEval fetches a file for one of its tasks: {missing}")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    data = tmp_path / "questions"
    data.mkdir()
    (data / "test.jsonl").write_text(
        "".join(json.dumps({"question": q, "choices": c, "gold": g}) + "\n" for q, c, g in QUESTIONS), encoding="utf-8"
    )
    file = tmp_path / "our_tasks.py"
    file.write_text(f"DATA = {str(data)!r}\n" + TASKS, encoding="utf-8")
    return file


def evaluate(model, tasks, name):
    """The pipeline's numbers for a task, and what the model answered to QUESTIONS, in their order."""
    from lighteval.logging.evaluation_tracker import EvaluationTracker
    from lighteval.pipeline import ParallelismManager, Pipeline, PipelineParameters

    pipeline = Pipeline(
        tasks=name,
        pipeline_parameters=PipelineParameters(
            launcher_type=ParallelismManager.NONE, custom_tasks_directory=str(tasks), bootstrap_iters=0
        ),
        evaluation_tracker=EvaluationTracker(output_dir=str(tasks.parent / "out")),
        model=model,
    )
    pipeline.evaluate()
    (results,) = (numbers for key, numbers in pipeline.get_results()["results"].items() if key.startswith(name))
    (details,) = pipeline.evaluation_tracker.details_logger.details.values()
    answers = {one.doc.query or one.doc.original_query: one.model_response for one in details}
    return results, [answers[question] for question, *_ in QUESTIONS]


def test_multiple_choice(raw, tasks):
    from endorm.integrations.lighteval import EndoLightevalModel

    results, answers = evaluate(EndoLightevalModel(engine=raw), tasks, "choice")
    assert results["acc"] == 1.0  # a model of 135 million weights knows these
    (expected,) = endorm.score(
        {"prompt": QUESTIONS[0][0], "responses": [{"text": " " + one, "truncated": True} for one in QUESTIONS[0][1]]},
        engine=raw,
    )
    assert answers[0].logprobs == pytest.approx([one.log_prob for one in expected], abs=0.02)
    assert answers[0].argmax_logits_eq_gold[1:] == [False, False]


def test_generation_and_rolling(raw, tasks):
    from endorm.integrations.lighteval import EndoLightevalModel

    _, answers = evaluate(EndoLightevalModel(engine=raw), tasks, "written")
    drawn = endorm.complete([one[0] for one in QUESTIONS], engine=raw, temperature=0.0, max_tokens=8, stop=[".", "\n"])
    assert [one.text for one in answers] == [[one.text] for one in drawn]
    with pytest.raises(ValueError, match="prefix"):
        evaluate(EndoLightevalModel(engine=raw), tasks, "rolling")
    results, answers = evaluate(EndoLightevalModel(engine=raw, prefix="<|im_start|>"), tasks, "rolling")
    assert 1.0 < results["word_perplexity"] < 1e6
    assert [len(one.logprobs) for one in answers] == [1, 1, 1, 1]


def test_chat_template(engine, tasks):
    from endorm.integrations.lighteval import EndoLightevalModel

    _, answers = evaluate(EndoLightevalModel(engine=engine), tasks, "written")
    drawn = endorm.complete([one[0] for one in QUESTIONS], engine=engine, temperature=0.0, max_tokens=8, stop=[".", "\n"])
    assert [one.text for one in answers] == [[one.text] for one in drawn]


def test_samples_differ(raw):
    from endorm.integrations.lighteval import EndoLightevalModel
    from lighteval.tasks.requests import Doc

    doc = Doc(query="Once upon a time", choices=[], gold_index=0, generation_size=12, num_samples=3)
    model = EndoLightevalModel(engine=raw)
    (first,), (again,) = model.greedy_until([doc]), model.greedy_until([doc])
    assert len(set(first.text)) == 3
    assert first.text == again.text


def test_the_command(raw, tasks):
    file = subprocess.run(
        [sys.executable, "-m", "endorm.integrations.lighteval"], check=True, capture_output=True, text=True
    ).stdout.strip()
    done = subprocess.run(
        [pathlib.Path(sys.executable).parent / "lighteval", "custom", "smollm2-135m", file, "choice", "--custom-tasks",
         str(tasks), "--output-dir", str(tasks.parent / "out")],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (results,) = (tasks.parent / "out").rglob("results_*.json")
    assert json.loads(results.read_text())["results"]["all"]["acc"] >= 0.75


def test_as_lighteval_reads_it_with_transformers(raw, tmp_path):
    pytest.importorskip("gguf")
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from endorm.integrations.lighteval import EndoLightevalModel
    from lighteval.models.transformers.transformers_model import TransformersModel, TransformersModelConfig
    from lighteval.tasks.requests import Doc

    file = pathlib.Path(raw.model_file)
    model = transformers.AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    model.save_pretrained(tmp_path)
    transformers.AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name).save_pretrained(tmp_path)
    settings = {"model_name": str(tmp_path), "dtype": "float32", "batch_size": 1, "override_chat_template": False,
                "add_special_tokens": False}  # fmt: skip
    theirs = TransformersModel(TransformersModelConfig(**settings))
    docs = [Doc(query=q, choices=[" " + one for one in choices], gold_index=gold) for q, choices, gold in QUESTIONS]
    read = TransformersModel.loglikelihood.__wrapped__  # without its cache, which keeps these docs by one name
    for mine, other in zip(EndoLightevalModel(engine=raw).loglikelihood(docs), read(theirs, docs), strict=True):
        assert mine.logprobs == pytest.approx(other.logprobs, abs=0.05)
        assert mine.argmax_logits_eq_gold == other.argmax_logits_eq_gold
