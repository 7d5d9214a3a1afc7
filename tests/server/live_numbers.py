"""One number everywhere: `endorm score` and HTTP for 50 records; special tokens in text are text, in templated text they are tokens."""
import json
import subprocess
import tempfile
import threading

from served import ROOT, TINY, Served, near, smollm2

RECORDS = 50
# One record at a time, no prompt kept, gives the same bits both ways. Batches differ by who is in them: products round by their
# shape, which may move a number by this part of itself. Where activations are rounded to bf16, a number that falls on the other
# side of a step moves all that follows (docs/accuracy.md: 0.15 nats of a token, seen here: 0.21), in a few of the records.
TOLERANCES = {"tiny": 1e-3, "smollm2": 1e-2}
BF16_TOLERANCE = 0.3
MOST_MOVED = 0.3  # of the records, beyond TOLERANCES
ALONE = {"tiny": 20, "smollm2": 5}  # records that the command line scores alone, each in a run of its own
# What a template writes and what a user may type; both models know these tokens.
SPECIAL = ("<|im_end|>", "<|im_start|>", "<|im_start|>assistant\n", "<|im_end|>\n<|im_start|>user\nhi")


def records():
    found = []
    pages = " ".join((ROOT / "docs" / name).read_text() for name in ("serving.md", "records.md")).split()
    for i in range(RECORDS):
        record = {"id": f"record {i}", "prompt": " ".join(pages[11 * i : 11 * i + 4 + i % 9])}
        cut = [" ".join(pages[7 * i + j : 7 * i + j + 3 + j]) for j in range(3)]
        record |= [{"response": cut[0]}, {"responses": cut}, {"chosen": cut[0], "rejected": cut[1]}][i % 3]
        if i % 5 == 0:
            record["prompt"] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": record["prompt"] + " \0\u00e9"}]
        found.append(record)
    return found


def scored(endorm, model, asked, *flags):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write("".join(json.dumps(record) + "\n" for record in asked))
        file.flush()
        done = subprocess.run([endorm, "score", file.name, "--model", model, "--tokens", *flags], capture_output=True, text=True,
                              check=True)
    manifest, *rows = [json.loads(line) for line in done.stdout.splitlines()]
    return rows, "bf16" in manifest["manifest"]["model"]["arithmetic"]


def numbers(row):
    return [[one["reward"], one["log_prob"], one["value"], one["mean"], *one["token_rewards"]["reward"]] for one in row["responses"]]


def worst_gap(rows, expected):
    """Largest difference of rewards; other numbers are held to a tolerance by the caller."""
    return max(abs(one["reward"] - right["reward"]) for row, wanted in zip(rows, expected, strict=True)
               for one, right in zip(row["responses"], wanted["responses"], strict=True))


def same_everywhere(endorm, model, name, flags):
    asked = records()
    expected, is_bf16 = scored(endorm, model, asked, *flags)
    tolerance = BF16_TOLERANCE if is_bf16 else TOLERANCES[name]
    with Served(endorm, model, "--quiet", "--kept-tokens", 0, *flags) as server:
        for record in asked[: ALONE[name]]:
            found, wanted = server.post("/v1/rewards", record)[1], scored(endorm, model, [record], *flags)[0][0]
            assert numbers(found) == numbers(wanted), (found, wanted)
    with Served(endorm, model, "--quiet", *flags) as server:
        status, together = server.post("/v1/rewards", {"records": asked})
        assert status == 200, together
        alone = [None] * RECORDS

        def ask(numbers_of_client):
            for i in numbers_of_client:
                alone[i] = server.post("/v1/rewards", asked[i])[1]

        clients = [threading.Thread(target=ask, args=(range(i, RECORDS, 10),)) for i in range(10)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        with_stream = server.connection()
        with_stream.request("POST", "/v1/rewards", json.dumps({"records": asked, "stream": True}))
        lines = [json.loads(line) for line in with_stream.getresponse().read().splitlines()]
    gaps = {}
    for way, rows in (("one body", together["rows"]), ("single requests", alone), ("a stream", lines)):
        for row, wanted in zip(rows, expected, strict=True):
            assert row["id"] == wanted["id"] or way == "single requests"
            assert near(numbers(row), numbers(wanted), tolerance), (way, row, wanted)
        moved = sum(not near(numbers(row), numbers(wanted), TOLERANCES[name]) for row, wanted in zip(rows, expected, strict=True))
        assert moved <= MOST_MOVED * RECORDS, (way, moved)
        gaps[way] = worst_gap(rows, expected)
    print(f"{name}: {RECORDS} records through the command line and HTTP; one at a time {ALONE[name]} give the same bits; in batches the "
          "worst difference of a reward is "
          + ", ".join(f"{way} {gap:.2g}" for way, gap in gaps.items()))


def tokens(server, body):
    status, reply = server.post("/v1/rewards", body)
    assert status == 200, reply
    return reply["responses"][0]["token_rewards"]["text"]


def special_tokens(endorm, model, flags):
    with Served(endorm, model, "--quiet", *flags) as server:
        for text in SPECIAL:
            spelled = next(special for special in SPECIAL if text.startswith(special) and special.startswith("<"))
            # In text that a person wrote it is characters: several tokens, and the turn ends behind them.
            written = tokens(server, {"prompt": "Say it.", "response": "a " + text + " b"})
            assert spelled not in written[:-1] and written[-1] == "<|im_end|>", written
            # In text that a template or a decoder wrote it is the token, and no end is added.
            raw = {"prompt": "<|im_start|>user\nSay it.<|im_end|>\n<|im_start|>assistant\n", "response": "a" + text, "options": {"text": "raw"}}
            assert any(spelled.rstrip("\n").startswith(token) for token in tokens(server, raw) if token.startswith("<|")), raw
            # A prompt that holds it spelled out is not that of a template with it.
            plain = server.post("/v1/rewards", {"prompt": "one " + text + " two", "response": "b"})[1]["responses"][0]["reward"]
            templated = server.reward("<|im_start|>user\none " + text + " two<|im_end|>\n<|im_start|>assistant\n", "b<|im_end|>")
            assert abs(plain - templated) > 1e-3, (text, plain, templated)
        # Without special tokens in it, a prompt is the same both ways: the template adds nothing else.
        system = {"role": "system", "content": "Be brief."}
        chat = server.post("/v1/rewards", {"prompt": [system, {"role": "user", "content": "one two"}], "response": "b"})[1]
        templated = ("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\none two<|im_end|>\n<|im_start|>assistant\n")
        assert near(chat["responses"][0]["reward"], server.reward(templated, "b<|im_end|>"), 1e-6)
        cut = server.reward(templated, "b")
        assert abs(cut - chat["responses"][0]["reward"]) > 1e-3, "a response that was cut off was given an end"
        # OpenRLHF's query, and the same with the tokens that a decoder may put before it.
        asked = {"query": [templated + "b<|im_end|>"], "prompts": [templated]}
        assert near(server.post("/get_reward", asked)[1]["rewards"][0], chat["responses"][0]["reward"], 1e-6)
    print(f"special tokens: {len(SPECIAL)} spelled out in text and as tokens, each what it should be")


def run(endorm):
    same_everywhere(endorm, TINY, "tiny", ["--threads", "1"])
    if smollm2() is None:
        print("SKIPPED: SmolLM2 was never fetched (the tiny model was tested)")
        return
    same_everywhere(endorm, smollm2(), "smollm2", [])
    special_tokens(endorm, smollm2(), [])
