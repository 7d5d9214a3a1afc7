"""endorm.score against its promises: shapes, errors, forms of records, arrays without copies."""

import gzip
import json
import math

import numpy as np
import pytest

import endorm

RECORD = {"prompt": "What is the capital of France?", "responses": ["Paris.", "Rome.", "It is Paris, of course."]}


def test_numbers_agree_with_one_another(tiny):
    (scored,) = endorm.score(RECORD, engine=tiny, tokens=True, alpha=1.0)
    assert len(scored) == 3
    for response in scored.responses:
        count = len(response)
        assert response.token_rewards.shape == response.token_log_probs.shape == (count,)
        assert response.token_ids.shape == (count,) and response.token_ids.dtype == np.int32
        assert response.text in "".join(response.token_texts)
        assert response.log_prob == pytest.approx(response.token_log_probs.sum(), abs=1e-9)
        assert response.value == response.token_values[0]
        # Telescoping (arXiv:2506.23235): the rewards add up to the log-probabilities and the first value.
        assert response.token_rewards.sum() == pytest.approx(response.log_prob + response.value, abs=1e-9)
        assert np.allclose(response.token_q - response.token_values, response.token_log_probs, atol=1e-9)
        assert (response.token_entropies >= 0).all()
        again = endorm.aggregate(response.token_log_probs)
        assert again.discounted == pytest.approx(response.reward, abs=1e-12)
        assert again["mean"] == response.aggregates.mean
    assert scored.rewards.tolist() == [one.reward for one in scored.responses]
    assert [scored.rewards[i] for i in scored.ranking] == sorted(scored.rewards, reverse=True)


def test_arrays_view_the_core_and_keep_it_alive(tiny):
    (scored,) = endorm.score({"prompt": "a", "response": "some text"}, engine=tiny, tokens=True)
    rewards, values = scored.token_rewards, scored.token_values
    assert not rewards.flags.owndata and not rewards.flags.writeable
    # Both are columns of the same tokens: their memory interleaves, one token a step.
    assert rewards.strides == values.strides and rewards.strides[0] > rewards.itemsize
    assert abs(rewards.ctypes.data - values.ctypes.data) < rewards.strides[0]
    assert rewards.ctypes.data == scored.token_rewards.ctypes.data
    before = rewards.copy()
    del scored
    assert np.array_equal(before, rewards)
    with pytest.raises(ValueError, match="read-only"):
        rewards[0] = 0.0


def test_aggregations_and_options_are_those_of_the_call(tiny):
    record = {"prompt": "Count.", "steps": ["One.", "Two.", "Three."]}
    (scored,) = endorm.score(record, engine=tiny, aggregation="min_step")
    assert len(scored.aggregates.steps) == 3
    assert scored.reward == scored.aggregates.min_step == min(step.mean for step in scored.aggregates.steps)
    (with_value,) = endorm.score(record, engine=tiny, aggregation="sum", initial_value=True)
    assert with_value.reward == pytest.approx(with_value.log_prob + with_value.value)
    (undiscounted,) = endorm.score(record, engine=tiny, gamma=1.0)
    assert undiscounted.reward == pytest.approx(undiscounted.aggregates.sum)
    (cut,) = endorm.score({"prompt": "Count.", "response": "One", "truncated": True}, engine=tiny)
    assert cut.finish == "truncated"


@pytest.mark.parametrize(
    "record, said",
    [
        ({"prompt": "a"}, "no response"),
        ({"prompt": "a", "response": 3}, '"response"'),
        ({"prompt": "a", "response": math.nan}, "no JSON"),
        ({"prompt": "a", "response": "\ud800"}, "no JSON"),
        ({"prompt": "a", "response": object()}, "type object"),
        ("nowhere.jsonl", "nowhere.jsonl"),
        ("nowhere.parquet", "nowhere.parquet"),
        (3, "type int"),
        (["text"], "record 1"),
    ],
)
def test_a_record_that_cannot_be_read_is_a_value_error(tiny, record, said):
    with pytest.raises(ValueError, match=said):
        endorm.score(record, engine=tiny)


def test_a_response_that_cannot_be_scored_says_why(tiny):
    (scored,) = endorm.score({"prompt": "a", "responses": ["b", ""]}, engine=tiny)
    assert scored[0].error is None and "empty" in scored[1].error
    assert not math.isnan(scored.rewards[0]) and math.isnan(scored.rewards[1])
    assert scored.ranking == [0]
    with pytest.raises(ValueError, match="response 1 of record \"1\""):
        _ = scored[1].reward
    with pytest.raises(ValueError, match="2 responses"):
        _ = scored.reward
    with pytest.raises(ValueError, match="tokens=True"):
        _ = scored[0].token_rewards
    with pytest.raises(IndexError):
        _ = scored[2]
    long = {"prompt": "a", "response": "word " * 5000}
    (refused,) = endorm.score(long, engine=tiny)
    assert "context" in refused.error
    (skipped,) = endorm.score(long, engine=tiny, on_overflow="skip")
    assert skipped[0].skipped


def test_wrong_options_are_refused_by_name(tiny):
    for wrong, said in [
        ({"aggregation": "median"}, "median"),
        ({"gamma": 2.0}, "gamma"),
        ({"alpha": 0.0}, "alpha"),
        ({"on_overflow": "drop"}, "drop"),
    ]:
        with pytest.raises(ValueError, match=said):
            endorm.score(RECORD, engine=tiny, **wrong)
    with pytest.raises(TypeError):
        endorm.score(RECORD, engine=tiny, aggregaton="mean")
    for wrong, said in [({"precision": "fats"}, "fats"), ({"kv_type": "f64"}, "f64"), ({"threads": -1}, "threads")]:
        with pytest.raises(ValueError, match=said):
            endorm.Engine("smollm2-135m", offline=True, **wrong)
    with pytest.raises(endorm.InvalidInput, match="nowhere"):
        endorm.Engine("nowhere.gguf")


def test_forms_of_records(tiny, tmp_path):
    records = [dict(RECORD, id="a"), {"id": "b", "prompt": "Hi", "chosen": "Hello", "rejected": "Go"}]
    expected = [one.rewards.tolist() for one in endorm.score(records, engine=tiny)]
    lines = tmp_path / "records.jsonl"
    lines.write_text(json.dumps(records, indent=1))
    assert [one.rewards.tolist() for one in endorm.score(lines, engine=tiny)] == expected
    lines.write_bytes(gzip.compress(b"\n".join(json.dumps(record).encode() for record in records)))
    assert [one.rewards.tolist() for one in endorm.score(str(lines), engine=tiny)] == expected
    table = "id,prompt,chosen,rejected\nb,Hi,Hello,Go\n"
    lines.write_text(table)
    assert [one.rewards.tolist() for one in endorm.score(lines, engine=tiny)] == expected[1:]
    lines.write_text("\n".join(json.dumps(record) for record in records))
    assert [one.rewards.tolist() for one in endorm.score(lines, engine=tiny)] == expected
    assert [one.rewards.tolist() for one in endorm.score(iter(records), engine=tiny)] == expected
    scored = endorm.score(records, engine=tiny)
    assert [one.id for one in scored] == ["a", "b"] and [one.chosen for one in scored] == [None, 0]
    numbers = {"id": np.int64(7), "prompt": "a", "responses": np.array(["b", "c"])}
    assert endorm.score(numbers, engine=tiny)[0].id == "7"


@pytest.mark.parametrize(
    "bytes_, said",
    [
        (b'[{"prompt": "a", "response": "b"}, {"prompt": ', "line|reads"),
        (b'{"prompt": "a", "response": "\xff"}\n', "line 1: it is no UTF-8"),
        (b'{"prompt": "a", "response": "b"}\n\n{"prompt": "a"}\n', "line 3: no response"),
        (b"PK\x03\x04 and so on.........", "ZIP"),
        (b"PAR1 and so on.............", "could not read it to its end"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_value_error(tiny, tmp_path, bytes_, said):
    (tmp_path / "file").write_bytes(bytes_)
    with pytest.raises(ValueError, match=said):
        endorm.score(tmp_path / "file", engine=tiny)


def test_layouts_of_others_are_read_of_files_and_of_dicts(tiny, tmp_path):
    rows = [{"instruction": "Name a colour.", "input": "", "output": "Blue."},
            {"question": "Name a colour.", "response_A": "Seven.", "response_B": "Blue.", "label": "B>A"}]  # fmt: skip
    (wanted,) = endorm.score({"prompt": "Name a colour.", "responses": ["Blue.", "Seven."]}, engine=tiny)
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for given in (rows, tmp_path / "rows.jsonl"):
        one, pair = endorm.score(given, engine=tiny)
        assert one.rewards.tolist() == pytest.approx(wanted.rewards[:1].tolist(), abs=1e-4)
        assert pair.rewards.tolist() == pytest.approx(wanted.rewards.tolist(), abs=1e-4) and pair.chosen == 0


def test_arrow_parquet_and_datasets(tiny, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    records = [{"prompt": f"Question {i}", "chosen": "yes", "rejected": "no"} for i in range(5)]
    expected = [one.rewards.tolist() for one in endorm.score(records, engine=tiny)]
    table = pyarrow.Table.from_pylist(records)
    assert [one.rewards.tolist() for one in endorm.score(table, engine=tiny)] == expected
    parquet.write_table(table, tmp_path / "records.parquet")
    (tmp_path / "records").write_bytes((tmp_path / "records.parquet").read_bytes())  # told by its content
    assert [one.rewards.tolist() for one in endorm.score(tmp_path / "records", engine=tiny)] == expected
    datasets = pytest.importorskip("datasets")
    rows = datasets.Dataset.from_list([dict(record, source="made up") for record in records])
    with pytest.warns(UserWarning, match="source"):
        scored = endorm.score(rows, engine=tiny)
    assert [one.rewards.tolist() for one in scored] == expected


def test_rank(engine):
    (ranking,) = endorm.rank(dict(RECORD, responses=["Rome.", "Paris.", ""]), engine=engine)
    assert ranking.best.text == "Paris." and ranking.best.index == 1
    assert ranking.best.probability_over_next > 0.5 and ranking.ranking[-1].probability_over_next is None
    assert list(ranking.errors) == [2]
