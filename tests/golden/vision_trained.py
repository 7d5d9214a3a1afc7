#!/usr/bin/env python3
"""Trains a tiny vision-language model of Idefics3's shape until it sees, and writes it with pictures that it never saw.

    python3 tests/golden/vision_trained.py LLAMA_CPP     # needs what vision_models.py needs; two minutes

A picture shows one to three shapes of one kind and colour in its left or right half, and its caption says so: "two red
circles on the left". Writes vision_trained.gguf with mmproj-vision_trained.gguf, and to vision_trained/ held-out pictures
with pairs.jsonl: the true caption above one with another count, colour, shape or side, in equal parts. In transformers, and
so at the end of this script, the sum of log-probabilities prefers the true one in 95 % of the pairs at least, and, where
every picture is exchanged for another's, in about half of them.
"""

import dataclasses
import functools
import json
import sys
import time

import numpy as np
import torch
from PIL import Image

from vision_models import HERE, log_probs, make_model, write_gguf
from vision_families import FAMILIES, make_tokenizer
from vision_pictures import draw, ground, write_png

VALUES = {
    "count": ["one", "two", "three"],
    "colour": ["red", "green", "blue", "yellow"],
    "shape": ["circle", "square", "triangle"],
    "side": ["left", "right"],
}
QUESTION = "Describe."
WORDS = ["User", "Assistant", "Describe", " on", " the", *VALUES["count"], *(f" {shape}s" for shape in VALUES["shape"])]
WORDS += [f" {word}" for attribute in ("colour", "shape", "side") for word in VALUES[attribute]]
TILE = 48  # pixels of half a picture
SHAPE = dict(tile=TILE, patch=8, scale=3)
TRAINING, HELD_OUT = 5000, 40  # pictures; a held-out one makes a pair of each attribute
STEPS, BATCH, RATE = 1500, 32, 3e-3


def word_merges():
    """Merges that make one token of each word, letter by letter."""
    merges = []
    for word in (word.replace(" ", "\u0120") for word in WORDS):
        merges += [f"{word[:end]} {word[end]}" for end in range(1, len(word))]
    return list(dict.fromkeys(merges))


def random_scene(random):
    return {name: values[random.randint(len(values))] for name, values in VALUES.items()}


def caption(scene):
    plural = "" if scene["count"] == "one" else "s"
    return f"{scene['count']} {scene['colour']} {scene['shape']}{plural} on the {scene['side']}"


def paint(scene, random):
    """[TILE, 2 * TILE, 3]: the shapes in places of their half, of four, that they do not share."""
    picture = ground(2 * TILE, TILE)
    half = picture[:, :TILE] if scene["side"] == "left" else picture[:, TILE:]
    for place in random.permutation(4)[: VALUES["count"].index(scene["count"]) + 1]:
        size = random.uniform(0.3, 0.42)
        left, top = (0.5 * cell + random.uniform(0.02, 0.48 - size) for cell in (place % 2, place // 2))
        draw(half, scene["shape"], scene["colour"], left, top, size)
    return picture


def prompt_of(tokenizer, path=""):
    content = [{"type": "image", "path": path}, {"type": "text", "text": QUESTION}]
    messages = [{"role": "user", "content": content}]
    return messages, tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)


def response_tokens(family, tokenizer, text):
    return tokenizer.encode(family.assistant_prefix + text + family.turn_ends, add_special_tokens=False)


def train(model, family, processor, random):
    tokenizer = processor.tokenizer
    scenes = [random_scene(random) for _ in range(TRAINING)]
    pixels = torch.cat([
        processor.image_processor(images=Image.fromarray(paint(scene, random)), return_tensors="pt")["pixel_values"].half()
        for scene in scenes
    ])
    _, text = prompt_of(tokenizer)
    prompt = processor(text=[text], images=[Image.fromarray(ground(2 * TILE, TILE))], add_special_tokens=False)["input_ids"][0]
    responses = [response_tokens(family, tokenizer, caption(scene)) for scene in scenes]
    length = max(map(len, responses))
    rows = torch.tensor([prompt + tokens + [tokenizer.pad_token_id] * (length - len(tokens)) for tokens in responses])
    labels = rows.clone()
    labels[:, : len(prompt)] = -100
    for row, tokens in zip(labels, responses):
        row[len(prompt) + len(tokens) :] = -100

    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS, pct_start=0.1)
    model.train()
    began = time.monotonic()
    for step in range(STEPS):
        picked = torch.from_numpy(random.randint(TRAINING, size=BATCH))
        loss = model(input_ids=rows[picked], pixel_values=pixels[picked].float(), labels=labels[picked]).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0 or step == STEPS - 1:
            print(f"step {step}: loss {loss.item():.4f}, {time.monotonic() - began:.0f} s", flush=True)
    model.eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.half().float())  # as vision_models.py's


def make_pairs(tokenizer, random):
    """-> pictures [HELD_OUT], pairs, each with the index of its picture."""
    pictures, pairs = [], []
    for number in range(HELD_OUT):
        scene = random_scene(random)
        pictures.append(paint(scene, random))
        for attribute, values in VALUES.items():
            other = [value for value in values if value != scene[attribute]]
            wrong = scene | {attribute: other[random.randint(len(other))]}
            messages, _ = prompt_of(tokenizer, f"{number:02}.png")
            pairs.append((number, {"messages": messages, "chosen": caption(scene), "rejected": caption(wrong)}))
    return pictures, pairs


def share_right(model, family, processor, pictures, pairs):
    """The share of pairs whose chosen caption has the greater sum of log-probabilities."""
    _, text = prompt_of(processor.tokenizer)
    right = 0
    for number, pair in pairs:
        shown = [Image.fromarray(pictures[number])]
        inputs = processor(text=[text], images=shown, return_tensors="pt", add_special_tokens=False)
        sums = [
            sum(log_probs(model, inputs, response_tokens(family, processor.tokenizer, pair[name])))
            for name in ("chosen", "rejected")
        ]
        right += sums[0] > sums[1]
    return right / len(pairs)


def main():
    family = FAMILIES["idefics3"]
    family = dataclasses.replace(
        family,
        template=family.template.replace("%} {% endif", "%}{% endif"),  # no blank in front of a text: captions have none
        assistant_prefix="",
        model=functools.partial(family.model, **SHAPE),
        processor=functools.partial(family.processor, **SHAPE),
    )
    tokenizer = make_tokenizer(family, word_merges())
    processor = family.processor(tokenizer)
    model = make_model(family, tokenizer, seed=7000)
    train(model, family, processor, np.random.RandomState(5000))
    pictures, pairs = make_pairs(tokenizer, np.random.RandomState(6000))
    write_gguf("trained", family, model, processor)
    folder = HERE / "vision_trained"
    folder.mkdir(exist_ok=True)
    for number, picture in enumerate(pictures):
        write_png(folder / f"{number:02}.png", picture)
    (folder / "pairs.jsonl").write_text("".join(json.dumps(pair) + "\n" for _, pair in pairs))
    seen = share_right(model, family, processor, pictures, pairs)
    exchanged = share_right(model, family, processor, pictures[1:] + pictures[:1], pairs)
    print(f"{len(pairs)} pairs: right {seen:.3f}, with pictures exchanged {exchanged:.3f}")
    if seen < 0.95 or not 0.35 < exchanged < 0.65:
        sys.exit("[main] the model does not see")


if __name__ == "__main__":
    main()
