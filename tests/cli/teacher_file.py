#!/usr/bin/env python3
"""`endorm score --top-k K -o FILE.npz`, read by NumPy: what transformers and the server say of the same ids, and what is refused.

    teacher_file.py --endorm PATH

The tiny model is computed in f32: its numbers are those of transformers (tests/golden/engine_tiny_likeliest.py) within 1e-3
nat, and those of the server's teachers within the rounding of other batches. The reader that docs/records.md shows is run as
it stands there.
"""
import argparse
import contextlib
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

try:
    import numpy
except ImportError:
    print("SKIPPED: there is no NumPy")
    sys.exit(0)

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/server"))
from served import TINY, Served  # noqa: E402

F32 = ["--kv-type", "f32", "--threads", "1"]
TOLERANCE = 1e-3  # nats
SAME = 1e-5  # nats: f32 in batches of other shapes, stored as float32
FINISHED, FAILED_ROWS, WRONG = 0, 3, 2


def scored(endorm, folder, records, name, *flags, status=FINISHED):
    (folder / "in.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    command = [endorm, "score", "in.jsonl", "-m", str(TINY), *F32, "-o", name, *map(str, flags)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == status, (command, done.returncode, done.stderr)
    return done.stderr


def loaded(path):
    with numpy.load(path) as file:
        arrays = {name: file[name] for name in file}
    for name in ("manifest", "ids", "errors"):
        arrays[name] = json.loads(arrays[name].tobytes())
    return arrays


def same_top(ids, log_probs, expected_ids, expected, tolerance):
    """Two that are nearer than the tolerance may stand in the other order."""
    assert numpy.abs(log_probs - expected).max() < tolerance
    for place in numpy.argwhere(ids != expected_ids):
        others = expected[place[0]][expected_ids[place[0]] == ids[tuple(place)]]
        assert len(others) == 0 or abs(others[0] - expected[tuple(place)]) < tolerance, place


def golden(endorm, folder):
    known = json.loads((ROOT / "tests/golden/engine_tiny_likeliest.json").read_text())["sequences"]
    own = next(model for model in json.loads((ROOT / "tests/golden/engine_tiny_models.json").read_text())["models"] if model["name"] == "llama")
    records = [{"id": f"s{i}", "prompt_ids": one["tokens"][:1], "response_ids": one["tokens"][1:]} for i, one in enumerate(known)]
    count = len(known[0]["top_ids"][0])
    scored(endorm, folder, records, "golden.npz", "--top-k", count)
    found = loaded(folder / "golden.npz")
    assert found["manifest"]["options"]["top_k"] == count and found["errors"] == []
    assert {name: found[name].dtype.str for name in ("token_ids", "log_probs", "top_ids", "top_log_probs", "offsets")} == {
        "token_ids": "<i4", "log_probs": "<f4", "top_ids": "<i4", "top_log_probs": "<f4", "offsets": "<i8"}
    compared = 0
    for i, one in enumerate(known):
        begin, end = found["offsets"][i : i + 2]
        length = end - begin  # what follows an end of the turn is padding
        assert length > 0 and found["token_ids"][begin:end].tolist() == one["tokens"][1 : 1 + length]
        assert numpy.abs(found["log_probs"][begin:end] - own["sequences"][i]["log_prob"][:length]).max() < TOLERANCE
        same_top(found["top_ids"][begin:end], found["top_log_probs"][begin:end], numpy.array(one["top_ids"])[:length],
                 numpy.array(one["top_log_probs"])[:length], TOLERANCE)
        compared += length
    assert compared > 100 and found["top_ids"].shape == (compared, count)


def as_the_server(endorm, folder):
    with Served(endorm, TINY, "--quiet", *F32, "--kept-tokens", "0") as server:
        prompt, sequence = [1, 75, 104], [301, 193, 87, 159, 26, 44]
        body = {"sequences": [prompt + sequence], "prompt_lengths": [len(prompt)], "top_logprobs": 6}
        told = server.post("/get_sequence_logprobs/", body)[1]
    scored(endorm, folder, [{"prompt_ids": prompt, "response_ids": sequence}], "ids.npz", "--top-k", 6)
    found = loaded(folder / "ids.npz")
    assert found["token_ids"].tolist() == sequence
    assert numpy.abs(found["log_probs"] - numpy.array(told["actual_logprobs"][0])[:, 0]).max() < SAME
    same_top(found["top_ids"], found["top_log_probs"], numpy.array(told["logprob_token_ids"][0]), numpy.array(told["logprobs"][0]), SAME)


def is_distribution(found):
    """The whole vocabulary is one, and the token has its own place in it."""
    assert numpy.abs(numpy.exp(found["top_log_probs"].astype(float)).sum(axis=1) - 1).max() < 1e-5
    places = found["top_ids"] == found["token_ids"][:, None]
    assert (places.sum(axis=1) == 1).all() and (found["top_log_probs"][places] == found["log_probs"]).all()


def faults(endorm, folder):
    records = [{"id": "a", "prompt": "Hi", "responses": ["Hello.", "", "Good day."]}, {"nothing": 1}, {"id": "c", "prompt": "x", "response": "y"}]
    said = scored(endorm, folder, records, "some.npz", "--top-k", 320, status=FAILED_ROWS)
    assert "1 record and 1 response" in said, said
    found = loaded(folder / "some.npz")
    assert found["ids"] == ["a", None, "c"] and found["line"].tolist() == [1, 2, 3]
    assert found["record"].tolist() == [0, 0, 0, 2] and found["response"].tolist() == [0, 1, 2, 0]
    lengths = numpy.diff(found["offsets"])
    assert lengths[1] == 0 and (lengths[[0, 2, 3]] > 0).all() and found["offsets"][-1] == len(found["token_ids"])
    assert [(error["record"], error["response"]) for error in found["errors"]] == [(0, 1), (1, None)]
    is_distribution(found)
    scored(endorm, folder, records, "hot.npz", "--top-k", 320, "--alpha", 2, status=FAILED_ROWS)
    hot = loaded(folder / "hot.npz")
    is_distribution(hot)
    assert (hot["top_log_probs"][:, 0] < found["top_log_probs"][:, 0]).all()
    assert not any(path.name.startswith("some.npz.") for path in folder.iterdir())
    before = (folder / "some.npz").read_bytes()
    for flags, reason in ((["--top-k", 2], "is there already"), (["--top-k", 321, "--overwrite"], "the model has 320 tokens"),
                          (["--top-k", 2, "--overwrite", "-j", "length"], "--judge"), (["--top-k", 2, "--overwrite", "--cache", "c"], "--cache"),
                          (["--overwrite"], "--top-k")):
        assert reason in scored(endorm, folder, records, "some.npz", *flags, status=WRONG), flags
    for name, flags in (("rows.jsonl", ["--top-k", 2]), ("-", ["--top-k", 2])):
        assert "FILE.npz" in scored(endorm, folder, records, name, *flags, status=WRONG)
    assert (folder / "some.npz").read_bytes() == before
    parquet(endorm, folder, records, found)


def parquet(endorm, folder, records, arrays):
    """The same, a row a response, where python3 has pyarrow."""
    if subprocess.run(["python3", "-c", "import pyarrow.parquet"], capture_output=True, check=False).returncode != 0:
        assert "pip install pyarrow" in scored(endorm, folder, records, "some.parquet", "--top-k", 2, status=WRONG)
        print("not run: Parquet, python3 has no pyarrow")
        return
    scored(endorm, folder, records, "some.parquet", "--top-k", 320, status=FAILED_ROWS)
    reads = ("import json, pyarrow.parquet as p; t = p.read_table('some.parquet'); "
             "print(json.dumps([t.to_pydict(), {n.decode(): json.loads(m) for n, m in t.schema.metadata.items()}]))")
    told = subprocess.run(["python3", "-c", reads], cwd=folder, capture_output=True, text=True, check=True)
    rows, metadata = json.loads(told.stdout)
    assert rows["id"] == ["a", "a", "a", "c"] and rows["line"] == [1, 1, 1, 3] and rows["response"] == [0, 1, 2, 0]
    offsets = arrays["offsets"]
    for name in ("token_ids", "log_probs", "top_ids", "top_log_probs"):
        for place, values in enumerate(rows[name]):
            assert values == arrays[name][offsets[place] : offsets[place + 1]].tolist(), (name, place)
    assert metadata["endorm.errors"] == arrays["errors"] and metadata["endorm.manifest"]["options"]["top_k"] == 320


def documented(endorm, folder):
    page = (ROOT / "docs/records.md").read_text().partition("## Arrays of `score --top-k`")[2]
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    scored(endorm, folder, [{"prompt": "Hi", "responses": ["Hello.", "Good day."]}], "teacher.npz", "--top-k", 4)
    found, printed = loaded(folder / "teacher.npz"), io.StringIO()
    os.chdir(folder)
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "docs/records.md", "exec"), {})
    shape = f"({numpy.diff(found['offsets'])[1]}, 4)"
    assert len(code.splitlines()) == 5 and len(printed.getvalue().splitlines()) == 2 and shape in printed.getvalue(), printed.getvalue()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--endorm", required=True)
    endorm = str(pathlib.Path(parser.parse_args().endorm).resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        golden(endorm, folder)
        as_the_server(endorm, folder)
        faults(endorm, folder)
        documented(endorm, folder)
        os.chdir(ROOT)
    print("the arrays of a teacher are those of transformers and of the server")


if __name__ == "__main__":
    main()
