"""Messages with all that they hold, what a chat template reads beside them, and rewards of every turn."""

import json

import numpy as np
import pytest

import endorm
from conftest import GOLDEN

TEMPLATE = """{%- for tool in tools or [] %}[{{ tool.function.name }}]{% endfor %}
{%- if strftime_now is defined %}{{ strftime_now('%Y') }}{% endif %}
{%- for message in messages %}<|im_start|>{{ message.role }}
{% if message.reasoning_content %}<think>
{{ message.reasoning_content }}
</think>

{% endif %}{{ message.content or '' }}
{%- for call in message.tool_calls or [] %}
{{- '<call>' + call.function.name + ' ' }}{{ call.function.arguments | tojson }}</call>
{%- endfor %}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% if enable_thinking is defined and not enable_thinking %}<think>

</think>

{% endif %}{% endif %}"""
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
CALL = {"role": "assistant", "content": None,
        "tool_calls": [{"type": "function", "function": {"name": "weather", "arguments": {"city": "Rome"}}}]}  # fmt: skip
ASKED = {"role": "user", "content": "Is it warm?"}
ANSWER = {"role": "tool", "content": "31 degrees", "name": "weather"}
START, END = "<|im_start|>", "<|im_end|>\n"
OPEN = f"2024{START}user\nIs it warm?{END}{START}assistant\n"


@pytest.fixture(scope="module")
def templated(tmp_path_factory):
    path = tmp_path_factory.mktemp("template") / "chat.jinja"
    path.write_text(TEMPLATE)
    return endorm.Engine(str(GOLDEN / "engine_tiny_llama.gguf"), template=str(path), threads=1)


@pytest.fixture(scope="module")
def untemplated():
    return endorm.Engine(str(GOLDEN / "engine_tiny_llama.gguf"), template="raw", threads=1)


def same(templated, untemplated, record, prompt, response, **options):
    """The record's only response and the same tokens as raw text."""
    (one,) = endorm.score(record, engine=templated, tokens=True, **options)
    (other,) = endorm.score({"prompt": prompt, "response": response}, engine=untemplated, tokens=True)
    assert "".join(one.token_texts) == response
    assert one.token_log_probs == pytest.approx(other.token_log_probs, abs=1e-6)
    return one


def test_arguments_of_the_template(templated, untemplated):
    response = "Yes.<|im_end|>"
    record = {"prompt": [ASKED], "response": "Yes."}
    closed = OPEN + "<think>\n\n</think>\n\n"
    same(templated, untemplated, record, OPEN, response)
    same(templated, untemplated, record, closed, response, chat_template_kwargs={"enable_thinking": False})
    own = {**record, "chat_template_kwargs": {"enable_thinking": True}}
    same(templated, untemplated, own, OPEN, response, chat_template_kwargs={"enable_thinking": False})
    same(templated, untemplated, {**record, "tools": [TOOL]}, "[weather]" + OPEN, response)
    same(templated, untemplated, record, "[weather]" + OPEN, response, chat_template_kwargs={"tools": [TOOL]})
    same(templated, untemplated, record, OPEN.replace("2024", "2019"), response, template_date="2019-02-03")
    (ranked,) = endorm.rank({"prompt": "a", "responses": ["b", "c"]}, engine=templated, chat_template_kwargs={"x": 1})
    assert len(ranked.ranking) == 2
    for wrong, said in [
        ({"chat_template_kwargs": {"x": object()}}, "chat_template_kwargs is no JSON"),
        ({"template_date": "yesterday"}, "yesterday"),
        ({"response_is": "drawing"}, "drawing"),
        ({"score_turns": "first"}, "first"),
    ]:
        with pytest.raises(ValueError, match=said):
            endorm.score(record, engine=templated, **wrong)


def test_messages_with_all_that_they_hold(templated, untemplated):
    called = OPEN + '<call>weather {"city": "Rome"}</call>' + END
    behind = called + f"{START}tool\n31 degrees{END}{START}assistant\n"
    record = {"prompt": [ASKED, CALL, ANSWER], "response": "Yes."}
    same(templated, untemplated, record, behind, "Yes.<|im_end|>")
    one = same(templated, untemplated, {"messages": [ASKED, CALL]}, OPEN, '<call>weather {"city": "Rome"}</call><|im_end|>')
    assert one.context == "as_drawn"
    thought = {"role": "assistant", "content": [{"type": "text", "text": "Yes"}, {"type": "text", "text": "."}],
               "reasoning_content": "31 is warm."}  # fmt: skip
    same(templated, untemplated, {"prompt": [ASKED], "responses": [thought]}, OPEN,
         "<think>\n31 is warm.\n</think>\n\nYes.<|im_end|>")  # fmt: skip
    with pytest.raises(ValueError, match="content"):
        endorm.score({"prompt": [{"role": "user", "content": None}], "response": "a"}, engine=templated)


def test_how_a_response_is_read(engine):
    answer = {"prompt": "Hello?", "response": "Hi.<|im_end|>\n"}
    (spelled,) = endorm.score(answer, engine=engine)
    (bare,) = endorm.score({"prompt": "Hello?", "response": "Hi."}, engine=engine)
    assert spelled.reward == pytest.approx(bare.reward, abs=1e-6) and spelled.finish == "end_of_turn"
    assert spelled.spelled_end and not bare.spelled_end and bare.context == "as_drawn"
    for reading in ("drawn", "answer"):
        (one,) = endorm.score(answer, engine=engine, response_is=reading)
        assert one.reward == pytest.approx(bare.reward, abs=1e-4)


def test_every_turn(templated):
    first = {"role": "assistant", "content": "Where?\n\nTell me."}
    conversation = [ASKED, first, {"role": "user", "content": "Rome."}, CALL, ANSWER]
    record = {"prompt": conversation, "responses": ["Yes.", "No."]}
    options = {"engine": templated, "tokens": True, "aggregation": "mean"}
    (every,) = endorm.score(record, score_turns="all", steps=True, **options)
    turns = endorm.score([{"messages": conversation[:2]}, {"messages": conversation[:4]},
                          {"prompt": conversation, "response": "Yes."}], **options)  # fmt: skip
    yes = every[0]
    assert [turn.reward for turn in yes.turns] == pytest.approx([one.reward for one in turns], abs=1e-5)
    assert [turn.sum for turn in yes.turns] == pytest.approx([one.log_prob for one in turns], abs=1e-4)
    assert [turn.end - turn.begin for turn in yes.turns] == [len(one[0]) for one in turns]
    assert yes.turns[0].begin == 0 and yes.turns[-1].end == len(yes)
    assert yes.log_prob == pytest.approx(sum(one.log_prob for one in turns), abs=1e-4)
    counted = np.bincount(yes.token_turns)
    assert counted.tolist() == [len(one[0]) for one in turns]
    assert yes.step_turns == [0, 0, 1, 2] and len(yes.aggregates.steps) == 4
    row = json.loads(every.row())["responses"][0]
    assert row["token_rewards"]["turn"] == yes.token_turns.tolist() and len(row["turns"]) == 3
    assert "TurnReward" in repr(yes.turns[0])
    (last,) = endorm.score(record, **options)
    assert last[0].turns == [] and last[0].reward == pytest.approx(yes.turns[-1].reward, abs=1e-5)


def test_completions_of_messages(templated):
    asked = {"engine": templated, "max_tokens": 6, "temperature": 0.0}
    record = {"prompt": [ASKED, CALL, ANSWER], "response": "a", "tools": [TOOL]}
    drawn = endorm.complete([[ASKED, CALL, ANSWER]], tools=[TOOL], **asked)[0]
    (again,) = endorm.complete([record["prompt"]], chat_template_kwargs={"tools": [TOOL]}, **asked)
    assert drawn.token_ids == again.token_ids
    # Greedy: no other first token is more likely than the one that was drawn.
    others = [{"ids": [token]} for token in range(3, 60)]
    record = {"prompt": record["prompt"], "tools": [TOOL], "responses": [{"ids": drawn.token_ids[:1]}, *others]}
    (scored,) = endorm.score(record, engine=templated, aggregation="sum")
    assert scored.rewards[0] == pytest.approx(np.nanmax(scored.rewards), abs=1e-6)
    with pytest.raises(ValueError, match="role"):
        endorm.complete([[{"content": "a"}]], **asked)
    with pytest.raises(ValueError, match="19-02"):
        endorm.complete(["a"], template_date="19-02", **asked)


def test_harnesses_read_and_draw_behind_the_same_prompt(templated, untemplated):
    from endorm.integrations._harness import are_greedy, score_continuations

    closed = {"enable_thinking": False}
    (drawn,) = endorm.complete([[ASKED]], engine=templated, max_tokens=3, temperature=0.0, chat_template_kwargs=closed)
    pairs = [([ASKED], drawn.text), ([ASKED], "Yes.")]
    scored = score_continuations(pairs, templated, template_kwargs=closed)
    raw = score_continuations([(OPEN + "<think>\n\n</think>\n\n", text) for _, text in pairs], untemplated)
    assert [one.log_prob for one in scored] == pytest.approx([one.log_prob for one in raw], abs=1e-6)
    same = scored[0].token_ids.tolist() == list(drawn.token_ids)  # a text may be cut otherwise than it was drawn
    assert are_greedy([prompt for prompt, _ in pairs], scored, templated, closed) == [same, False]


def test_tables_hold_nothing_as_null(templated):
    pytest.importorskip("pyarrow")
    datasets = pytest.importorskip("datasets")
    other = json.loads(json.dumps(CALL).replace("city", "town"))  # a table has both keys in every row
    records = [{"prompt": [ASKED, call, ANSWER], "response": "Yes."} for call in (CALL, other)]
    rows = datasets.Dataset.from_list(records)
    assert rows[0]["prompt"][1]["tool_calls"][0]["function"]["arguments"] == {"city": "Rome", "town": None}
    plain = endorm.score(records, engine=templated, tokens=True)
    for table in (rows, rows.data.table):
        for one, wanted in zip(endorm.score(table, engine=templated, tokens=True), plain, strict=True):
            assert one.reward == wanted.reward
