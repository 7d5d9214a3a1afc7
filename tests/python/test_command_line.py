"""The same records through the command line and through Python give the same numbers, to the last bit."""

import json
import os
import subprocess

import endorm

WORDS = ["red", "green", "blue", "seven", "Paris", "a long way", "\u00e9t\u00e9"]


def records(count):
    """Pairs, best-of-n, steps and cut-off responses, with prompts that share beginnings."""
    for i in range(count):
        prompt = f"Question {i % 7} about {WORDS[i % len(WORDS)]}: " + "why? " * (i % 5 + 1)
        yield {"id": f"r{i}", "prompt": prompt} | (
            {"chosen": f"Because of {WORDS[i % 3]}.", "rejected": f"No. {i}"}
            if i % 4 == 0
            else {"responses": [f"Answer {j}: {WORDS[(i + j) % len(WORDS)]}" for j in range(i % 3 + 1)]}
            if i % 4 == 1
            else {"steps": ["First we look.", f"Then we say {i}."]}
            if i % 4 == 2
            else {"response": f"It was cut {WORDS[i % len(WORDS)]}", "truncated": True, "system": "Be brief."}
        )


def test_fifty_records(engine, command, tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records(50)), encoding="utf-8")
    printed = subprocess.run(
        [command, "score", str(path), "--tokens", "--steps"],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ, OMP_WAIT_POLICY="passive"),
    ).stdout.splitlines()
    rows = [json.loads(line) for line in printed[1:]]
    scored = endorm.score(records(50), engine=engine, tokens=True, steps=True)
    assert len(rows) == len(scored) == 50
    for row, one in zip(rows, scored, strict=True):
        assert json.loads(one.row()) == row  # every number of the row, bit for bit
        assert [response["reward"] for response in row["responses"]] == one.rewards.tolist()
        for response, mine in zip(row["responses"], one.responses, strict=True):
            assert response["token_rewards"]["reward"] == mine.token_rewards.tolist()
    assert [json.loads(one.row()) for one in endorm.score(path, engine=engine, tokens=True, steps=True)] == rows
