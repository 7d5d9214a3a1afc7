"""EndoLM in lm-evaluation-harness itself, on tasks of local files."""

import json
import pathlib

import pytest

import endorm
from conftest import QUESTIONS

lm_eval = pytest.importorskip("lm_eval")


def task(tmp_path, name, **fields):
    from lm_eval.tasks import TaskManager

    data = tmp_path / f"{name}.jsonl"
    data.write_text(
        "".join(json.dumps({"question": q, "choices": c, "gold": g}) + "\n" for q, c, g in QUESTIONS), encoding="utf-8"
    )
    config = {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(data)}},
        "test_split": "test",
        "doc_to_text": "{{question}}",
        **fields,
    }
    (tmp_path / f"{name}.yaml").write_text(json.dumps(config))
    return TaskManager(include_path=str(tmp_path), include_defaults=False)


def evaluate(model, name, manager):
    return lm_eval.simple_evaluate(
        model=model, tasks=[name], task_manager=manager, bootstrap_iters=0, confirm_run_unsafe_code=True, log_samples=True
    )


def test_multiple_choice(raw, tmp_path):
    from endorm.integrations.lm_eval import EndoLM

    manager = task(
        tmp_path,
        "choice",
        output_type="multiple_choice",
        doc_to_choice="choices",
        doc_to_target="gold",
        metric_list=[{"metric": "acc"}],
    )
    result = evaluate(EndoLM(engine=raw), "choice", manager)
    assert result["results"]["choice"]["acc,none"] == 1.0  # a model of 135 million weights knows these
    (first, greedy), *_ = result["samples"]["choice"][0]["filtered_resps"]
    (expected,) = endorm.score(
        {"prompt": QUESTIONS[0][0], "response": " Paris", "truncated": True}, engine=raw, tokens=True
    )
    assert float(first) == pytest.approx(expected.log_prob, abs=0.02)
    (drawn,) = endorm.complete([QUESTIONS[0][0]], engine=raw, temperature=0.0, max_tokens=len(expected[0]))
    assert (str(greedy) == "True") == (drawn.token_ids == expected.token_ids.tolist())


def test_generation_and_rolling(raw, tmp_path):
    from endorm.integrations.lm_eval import EndoLM

    manager = task(
        tmp_path,
        "written",
        output_type="generate_until",
        doc_to_target="{{choices[gold]}}",
        generation_kwargs={"until": [".", "\n"], "max_gen_toks": 8, "do_sample": False},
        metric_list=[{"metric": "exact_match"}],
    )
    samples = evaluate(EndoLM(engine=raw), "written", manager)["samples"]["written"]
    (drawn,) = endorm.complete([QUESTIONS[0][0]], engine=raw, temperature=0.0, max_tokens=8, stop=[".", "\n"])
    written = next(sample for sample in samples if sample["doc"]["question"] == QUESTIONS[0][0])
    assert written["resps"][0][0] == drawn.text and "." not in drawn.text

    manager = task(
        tmp_path,
        "rolling",
        output_type="loglikelihood_rolling",
        doc_to_target="{{question}}",
        metric_list=[{"metric": "word_perplexity"}],
    )
    with pytest.raises(ValueError, match="prefix"):
        evaluate(EndoLM(engine=raw), "rolling", manager)
    result = evaluate(EndoLM(engine=raw, prefix="<|im_start|>"), "rolling", manager)
    assert 1.0 < result["results"]["rolling"]["word_perplexity,none"] < 1e6


def test_a_chat_template_is_refused(tiny):
    from endorm.integrations.lm_eval import EndoLM

    with pytest.raises(ValueError, match="raw"):
        EndoLM(engine=tiny)


def test_as_the_harness_reads_it_with_transformers(raw):
    pytest.importorskip("gguf")
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from endorm.integrations.lm_eval import EndoLM
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    file = pathlib.Path(raw.model_file)
    model = transformers.AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    theirs = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=1, device="cpu")
    ours = EndoLM(engine=raw, prefix=tokenizer.decode([theirs.prefix_token_id]))

    def requests(kind, *arguments):
        return [Instance(request_type=kind, doc={}, arguments=one, idx=i) for i, one in enumerate(arguments)]

    asked = requests(
        "loglikelihood",
        *((question, " " + choice) for question, choices, _ in QUESTIONS for choice in choices),
        ("", "Once upon a time there was a king."),
        ("One two three four ", "five six seven"),
    )
    for mine, other in zip(ours.loglikelihood(asked), theirs.loglikelihood(asked), strict=True):
        assert mine[0] == pytest.approx(other[0], abs=0.05) and mine[1] == other[1]
    texts = requests("loglikelihood_rolling", ("The quick brown fox jumps over the lazy dog.",))
    assert ours.loglikelihood_rolling(texts) == pytest.approx(theirs.loglikelihood_rolling(texts), abs=0.05)
    settings = {"until": ["\n"], "max_gen_toks": 8, "do_sample": False}
    written = requests("generate_until", *((question, settings) for question, *_ in QUESTIONS))
    assert ours.generate_until(written) == theirs.generate_until(written)
