"""Token ids in: the numbers of text that tokenizes so, masks, arrays of every kind, and what is wrong with some."""

import json
import os
import subprocess

import numpy as np
import pytest

import endorm

PROMPT = "What is the capital of France?"
TEXTS = ["Paris.", "Rome, I think."]


def as_ids(engine, text, prompt=PROMPT, **more):
    """(prompt ids, response ids) of a text, as the engine itself cuts it."""
    (scored,) = endorm.score({"prompt": prompt, "response": text, **more}, engine=engine)
    (drawn,) = endorm.complete([prompt], engine=engine, max_tokens=1, temperature=0.0)
    assert len(drawn.token_ids) <= 1
    return scored.token_ids


def test_the_numbers_of_text_that_tokenizes_so_to_the_bit(engine):
    ids = [as_ids(engine, text) for text in TEXTS]
    records = [
        {"id": "text", "prompt": PROMPT, "responses": TEXTS},
        {"id": "tokens", "prompt": PROMPT, "response_ids": ids},
        {"id": "entries", "prompt": PROMPT, "responses": [{"ids": ids[0]}, TEXTS[1], {"ids": ids[1].tolist()}]},
    ]
    text, tokens, entries = endorm.score(records, engine=engine, tokens=True)
    assert [one.context for one in text.responses] == ["as_drawn"] * 2
    assert [one.context for one in tokens.responses] == ["tokens"] * 2
    for one, other in zip(text.responses, tokens.responses, strict=True):
        assert np.array_equal(one.token_rewards, other.token_rewards) and one.reward == other.reward
        assert one.token_texts == other.token_texts and one.finish == other.finish == "end_of_turn"
    assert entries.rewards.tolist() == [text.rewards[0], text.rewards[1], text.rewards[1]]
    assert tokens[0].text == "" and text[0].text == TEXTS[0]


def test_arrays_of_every_kind_are_read_where_they_lie(tiny):
    ids = [5, 9, 30, 7]
    (wanted,) = endorm.score({"prompt_ids": [4, 6], "response_ids": ids}, engine=tiny, tokens=True)
    padded = np.zeros(8, dtype=np.int64)
    padded[::2] = ids
    read_only = np.array(ids, dtype=np.int16)
    read_only.flags.writeable = False
    forms = [tuple(ids), np.array(ids, dtype=np.uint8), padded[::2], np.array(ids[::-1])[::-1], read_only,
             np.array(ids, dtype=object), np.array(ids, dtype=np.uint64)]  # fmt: skip
    records = [{"prompt_ids": np.array([4, 6]), "response_ids": one} for one in forms]
    for one in endorm.score(records, engine=tiny, tokens=True):
        assert np.array_equal(one.token_log_probs, wanted.token_log_probs)
    torch = pytest.importorskip("torch")
    (one,) = endorm.score({"prompt_ids": torch.tensor([4, 6]), "response_ids": torch.tensor([ids, ids])}, engine=tiny)
    assert one.rewards.tolist() == [wanted.reward] * 2


def test_the_same_numbers_as_the_command_line(engine, command, tmp_path):
    ids = as_ids(engine, TEXTS[0]).tolist()
    records = [
        {"id": "a", "prompt": PROMPT, "response_ids": ids, "response_mask": [1] + [0] * (len(ids) - 2) + [1]},
        {"id": "b", "prompt_ids": [1, 2, 3], "response_ids": [ids, [-1], ids[:2]]},
    ]
    path = tmp_path / "records.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    printed = subprocess.run([command, "score", str(path), "--tokens"], capture_output=True, text=True,
                             env=dict(os.environ, OMP_WAIT_POLICY="passive")).stdout.splitlines()  # fmt: skip
    mine = [json.loads(one.row()) for one in endorm.score(records, engine=engine, tokens=True)]
    for row, other in zip(map(json.loads, printed[1:]), mine, strict=True):
        row.pop("key"), other.pop("key")  # of a line, and of a line and what stands beside it
        assert row == other


def test_masked_tokens_are_context(tiny):
    prompt, first, tool, last = [4, 6], [5, 9], [40, 41, 42], [30, 7, 8]
    whole = first + tool + last
    mask = np.array([1] * 2 + [0] * 3 + [1] * 3, dtype=bool)
    record = {"prompt_ids": prompt, "response_ids": np.array(whole), "response_mask": mask}
    masked, alone, behind = endorm.score(
        [record, {"prompt_ids": prompt, "response_ids": first}, {"prompt_ids": prompt + first + tool, "response_ids": last}],
        engine=tiny, tokens=True, aggregation="mean",
    )  # fmt: skip
    assert [(turn.begin, turn.end) for turn in masked.turns] == [(0, 2), (2, 5)]
    assert [turn.reward for turn in masked.turns] == [alone.reward, behind.reward]
    assert [turn.sum for turn in masked.turns] == pytest.approx([alone.log_prob, behind.log_prob])
    assert [turn.mean for turn in masked.turns] == [alone.reward, behind.reward]
    assert masked.token_places.tolist() == [0, 1, 5, 6, 7] and alone.token_places.tolist() == [0, 1]
    assert masked.token_ids.tolist() == first + last and masked.token_turns.tolist() == [0, 0, 1, 1, 1]
    assert alone.turns == [] and alone.token_turns is None and alone.step_turns is None
    # As a trainer pads: zeros of the mask at the end are no tokens of anyone.
    matrix = np.zeros((2, 10), dtype=np.int64)
    matrix[0, :8], matrix[1, :2] = whole, first
    masks = np.zeros((2, 10), dtype=np.int64)
    masks[0, :8], masks[1, :2] = mask, 1
    prompts = np.array([[0, 4, 6], [0, 4, 6]])
    both = endorm.score_ids(prompts, matrix, masks, prompt_masks=prompts != 0, engine=tiny, aggregation="mean")
    assert [one.reward for one in both] == pytest.approx([masked.reward, alone.reward], abs=1e-6)


@pytest.mark.parametrize(
    "ids, mask, said",
    [
        ([], None, "empty list"),
        (np.array([], dtype=np.int64), None, "empty list"),
        ([5, -1], None, r'response_ids\[0\]\[1\]" is -1'),
        (np.array([5, 2**40]), None, "has 1099511627776 at 1"),
        ([5, 10**7], None, "10000000"),
        ([5.0, 6.0], None, "numbers of type float64"),
        (np.array([True, False]), None, "numbers of type bool"),
        (["a", "b"], None, "no number"),
        (np.array([[5, 6]]), None, "shape"),
        ([5, 6], [1], "1 entries for 2 token ids"),
        ([5, 6], [1, 2], r'response_mask\[0\]\[1\]" is 2'),
        ([5, 6], [1.0, 0.0], "numbers of type float64"),
        ([5, 6], [0, 0], "empty"),
    ],
)
def test_what_is_wrong_with_one_is_that_ones_error(tiny, ids, mask, said):
    import re

    entry = {"ids": ids} if mask is None else {"ids": ids, "mask": mask}
    record = {"prompt_ids": [4, 6], "responses": [entry, {"ids": [5, 6]}]}
    (scored,) = endorm.score(record, engine=tiny)
    said = said.replace(r"response_ids\[0\]", r"responses\[0\].ids").replace(r"response_mask\[0\]", r"responses\[0\].mask")
    assert re.search(said, scored[0].error) and scored[1].error is None
    if not (isinstance(ids, np.ndarray) and ids.ndim > 1):  # else it is a list of lists
        more = {} if mask is None else {"response_mask": [mask]}
        (alone,) = endorm.score({"prompt_ids": [4, 6], "response_ids": [ids], **more}, engine=tiny)
        assert alone.error is not None and np.isnan(alone.rewards[0])


def test_ids_beside_text(tiny):
    (scored,) = endorm.score({"prompt": "a", "responses": [{"ids": [5], "text": "b"}, "b"]}, engine=tiny)
    assert "beside its text" in scored[0].error and scored[1].error is None
    wrong = [
        ({"prompt": "a", "response": "b", "response_ids": [5]}, "both"),
        ({"prompt": "a", "prompt_ids": [5], "response": "b"}, "both"),
        ({"prompt_ids": [5, -2], "response_ids": [5]}, r"prompt_ids\[1\]"),
        ({"prompt_ids": np.array([0.5]), "response_ids": [5]}, '"prompt_ids" holds numbers of type float64'),
        ({"prompt_ids": [], "response_ids": [5]}, "empty list"),
        ({"prompt_ids": {"given": 0}, "response_ids": "b"}, "prompt_ids"),
        ({"prompt_ids": [5], "response": "b", "response_mask": [1]}, "response_mask"),
    ]
    for record, said in wrong:
        with pytest.raises(ValueError, match=said):
            endorm.score(record, engine=tiny)
    (mixed,) = endorm.score({"prompt_ids": [5], "response": "b"}, engine=tiny)
    assert "response_ids" in mixed.error


def test_places_of_tokens_behind_earlier_turns_and_before_an_end(engine):
    prompt = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}, {"role": "user", "content": "Go"}]
    ids = [50, 60, 70, 2, 2, 2]  # further ends are dropped
    record = {"prompt": prompt, "response_ids": [ids, ids], "response_mask": [[1] * 6, [1, 0, 1, 1, 1, 0]]}
    for turns, before in (("all", 3), ("last", 0)):
        (scored,) = endorm.score(record, engine=engine, score_turns=turns)
        for one, places in zip(scored.responses, ([0, 1, 2, 3], [0, 2, 3]), strict=True):
            assert one.token_places.tolist() == [-1] * before + places
            assert one.token_ids[before:].tolist() == [ids[place] for place in places]
    (text,) = endorm.score({"prompt": "a", "response": "b"}, engine=engine)
    assert text.token_places is None


def test_score_ids(engine):
    ids = [as_ids(engine, text) for text in TEXTS]
    messages = [{"role": "user", "content": PROMPT}]
    (text,) = endorm.score({"prompt": PROMPT, "responses": TEXTS}, engine=engine, aggregation="mean")
    scored = endorm.score_ids([PROMPT, messages], ids, engine=engine, aggregation="mean")
    assert [one.reward for one in scored] == pytest.approx(text.rewards, abs=1e-4)
    assert [one.id for one in scored] == ["1", "2"] and scored[0].finish == "end_of_turn"
    bad, good = endorm.score_ids([[5, 6]] * 2, [[5, -1], [7]], engine=engine)
    assert np.isnan(bad.rewards[0]) and "-1" in bad.error and good.error is None
    with pytest.raises(ValueError, match="2 prompts, 1 responses"):
        endorm.score_ids([[5], [6]], [[5]], engine=engine)
    with pytest.raises(ValueError, match="its mask 2 entries"):
        endorm.score_ids([[5]], [[5]], prompt_masks=[[1, 1]], engine=engine)


def test_windows_are_those_of_the_lines(tiny):
    from endorm._records import read_record

    for record in [{"prompt_ids": [4, 600, 7], "response_ids": [[5], [60, 70]]}, {"prompt": "a", "response": "b"}]:
        assert read_record(record, 1, "\n\n")[2] == len(json.dumps(record))
    other = read_record({"prompt_ids": [4, 600, 8], "response_ids": [[5], [60, 70]]}, 1, "\n\n")
    assert other[2] == len(json.dumps({"prompt_ids": [4, 600, 7], "response_ids": [[5], [60, 70]]}))


def test_a_completion_is_scored_by_the_tokens_that_were_drawn(engine):
    prompts = [PROMPT, [{"role": "user", "content": "Name a fruit."}]]
    drawn = endorm.complete(prompts, engine=engine, max_tokens=12, seed=3)
    scored = endorm.score_ids(prompts, [one.token_ids for one in drawn], engine=engine)
    for one, completion in zip(scored, drawn, strict=True):
        assert one.token_ids.tolist() == list(completion.token_ids)
        assert one.finish == ("end_of_turn" if completion.end == "end_of_turn" else "truncated")
    again = endorm.complete([[1, 9, 30], np.array([1, 9, 30])], engine=engine, max_tokens=4, temperature=0.0)
    assert again[0].token_ids == again[1].token_ids and len(again[0].token_ids) > 0


def test_bytes_of_tokens(engine):
    ids = as_ids(engine, "Paris.").tolist()
    assert engine.token_bytes(ids) == [b"Paris", b".", b"<|im_end|>"]
    with pytest.raises(ValueError, match="10000000"):
        engine.token_bytes([10**7])
