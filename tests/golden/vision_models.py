#!/usr/bin/env python3
"""Writes vision_*.gguf with mmproj-vision_*.gguf, tiny vision-language models with random weights, the pictures
vision_*.png, and vision_models.json: what transformers says of conversations with them.

    python3 tests/golden/vision_models.py LLAMA_CPP     # needs torch, transformers, pillow < 13, sentencepiece; a minute

LLAMA_CPP is the source tree of the pinned llama.cpp: its own converter writes the GGUF files, in f32, from checkpoints in
Hugging Face's form, and is told the name of the pre-tokenizer, which it would otherwise find by a hash of known tokenizers.
The weights are numbers of half precision, as which the converter stores one of Gemma 3's whatever it is told.

The pictures go through transformers' processors on Pillow, which resizes first across and then down, as libmtmd does,
up to its version 12; from 13 on it takes the cheaper way first, and tall pictures differ by one step of 255. Everything
is given twice: "transformers" is what the processor makes of picture and prompt; "mtmd" has the picture's place as
libmtmd has it (vision_mtmd.py), then again from transformers. Where no resizing is needed ("exact"), only InternVL's
positions differ.

log_prob is of the response tokens, in float64 from f32 logits; "half_precision" is the same with what ggml computes in
half precision on a CPU: pixels, GELU (engine_tiny_models.py; tanh's also where Qwen2.5-VL and InternVL have the error
function), and what Gemma 3's projection is applied to. libllama 0.5.0 reads no epsilon of the RMS norms of Qwen2.5-VL's
decoder and takes 0: up to 2.4e-4 nats here, with and without pictures.

Measured against libmtmd 0.5.0 on a CPU, without flash attention and with a cache in f32: tokens and positions the same,
log_prob within 1.5e-3, half_precision within 4.6e-4 nats; features, of standard deviation 1, within 1.3e-3 and 2e-4.
"""

import json
import logging
import pathlib
import re
import sys
import tempfile

LLAMA_CPP = pathlib.Path(sys.argv[1]).resolve()
sys.path[:0] = [str(LLAMA_CPP), str(LLAMA_CPP / "gguf-py")]  # its converter needs the gguf beside it

import gguf
import numpy as np
import safetensors.torch
import torch
from conversion import ModelBase, ModelType, get_model_architecture, get_model_class
from PIL import Image

import vision_mtmd
from engine_row_reference import row_reference
from engine_tiny_models import HalfPrecisionGelu
from vision_families import FAMILIES, make_tokenizer
from vision_pictures import PICTURES, make_picture, write_png

HERE = pathlib.Path(__file__).parent


def turn(role, *parts):
    """Parts are texts and names of pictures."""
    picture = lambda name: {"type": "image", "path": f"vision_{name}.png"}
    return {"role": role, "content": [picture(part) if part in PICTURES else {"type": "text", "text": part} for part in parts]}


CONVERSATIONS = [
    ([turn("user", "What is two and two?")], "Four, of course."),
    ([turn("user", "square", "What is in it?")], "A red circle and a blue square."),
    ([turn("user", "Look at this: ", "square", " What stands on the left?")], "The red circle."),
    ([turn("user", "Which colour is the circle here? ", "scene")], "It is green."),
    ([turn("user", "square", "This is one, ", "scene", "this the other. Which has a triangle?")], "The second one."),
    ([turn("user", "wide", "square")], "Circles and a square."),
    (
        [turn("user", "Hello there."), turn("assistant", "Hello! Show me."), turn("user", "wide", "How many circles?")],
        "There are two.",
    ),
    ([turn("user", "tall", "What is it?")], "A black square and a red triangle."),
    ([turn("user", "What is it?", "uneven")], "A blue triangle."),
    ([turn("user", "pixel", "What is it?")], "Nothing but one colour."),
]


def random_weight(name, shape, gemma, tied, random):
    """Scales under which attention is uneven, logits spread by 1 to 2 and pictures move them by whole nats."""
    noise = random.standard_normal(shape)
    if name.endswith("bias"):
        return 0.3 * noise
    if "lambda" in name:
        return 0.5 + 0.1 * noise
    if len(shape) == 1:
        return 0.2 * noise if gemma and "vision_tower" not in name else 1 + 0.2 * noise
    if name.endswith("embed_tokens.weight"):
        return noise * (0.15 if tied else 1)
    if name.endswith(("position_embedding.weight", "position_embeddings", "cls_token")):
        return 0.5 * noise
    if name == "lm_head.weight":
        return 0.2 * noise
    gain = 1.6 if "q_proj" in name or "k_proj" in name else 2 if "patch_embed" in name else 1
    inputs = shape[0] if name.endswith("mm_input_projection_weight") else np.prod(shape[1:])
    return gain * noise / np.sqrt(inputs)


def make_model(family, tokenizer, seed):
    model = family.model(tokenizer.get_vocab()).to(torch.float32).eval()
    random = np.random.RandomState(seed)
    gemma = model.config.model_type == "gemma3"
    tied = model.config.get_text_config().tie_word_embeddings
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            weight = random_weight(name, tuple(parameter.shape), gemma, tied, random)
            parameter.copy_(torch.from_numpy(weight.astype(np.float16).astype(np.float32)))
    return model


def rounded_to_half(tensor):
    return tensor.half().to(tensor.dtype)


def with_half_precision(model):
    """Computes in half precision what ggml does on a CPU: pixels, every GELU, and what Gemma 3's projection is applied to."""
    for name, module in list(model.named_modules()):
        for child_name, child in list(module.named_children()):
            if "GELU" in type(child).__name__:
                setattr(module, child_name, HalfPrecisionGelu())
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Conv3d)):
            module.register_forward_pre_hook(lambda _, inputs: (rounded_to_half(inputs[0]), *inputs[1:]))
        if name.endswith("mm_soft_emb_norm"):
            module.register_forward_hook(lambda *call: rounded_to_half(call[-1]))
    return model


def write_gguf(name, family, model, processor):
    """-> the paths of model and projector. Through convert_hf_to_gguf.py's classes, from a checkpoint in a temporary folder."""
    paths = [HERE / f"vision_{name}.gguf", HERE / f"mmproj-vision_{name}.gguf"]
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        checkpoint = pathlib.Path(folder) / "tiny"
        model.save_pretrained(checkpoint)
        weights = safetensors.torch.load_file(checkpoint / "model.safetensors")
        renamed = {re.sub(*family.published_names, key): value for key, value in weights.items()}
        safetensors.torch.save_file(renamed, checkpoint / "model.safetensors")
        processor.save_pretrained(checkpoint)
        for kind, path in zip((ModelType.TEXT, ModelType.MMPROJ), paths):
            architecture = get_model_architecture(ModelBase.load_hparams(checkpoint, False), kind)
            base = get_model_class(architecture, mmproj=kind == ModelType.MMPROJ)

            class Converter(base):
                model_arch = base.model_arch

                def get_vocab_base_pre(self, tokenizer):
                    return family.pre_tokenizer

                def set_gguf_parameters(self):
                    super().set_gguf_parameters()
                    layers = getattr(model.config.get_text_config(), "layer_types", None) or []
                    if kind == ModelType.TEXT and "sliding_attention" in layers:  # libllama's own pattern is of six layers
                        self.gguf_writer.add_sliding_window_pattern([layer == "sliding_attention" for layer in layers])

            Converter(checkpoint, gguf.LlamaFileType.ALL_F32, path, model_name="tiny").write()
    return paths


def numbers(values):
    return [float(f"{value:.6g}") for value in np.asarray(values, dtype=np.float64).ravel()]


def summary(array):
    """Shape, mean and, of [..., N], the first and last eight numbers of the first, middle and last row."""
    rows = np.asarray(array, dtype=np.float64).reshape(-1, array.shape[-1])
    picked = [0, len(rows) // 2, len(rows) - 1]
    return {
        "shape": list(array.shape),
        "mean": float(f"{rows.mean():.6g}"),
        "rows": {str(row): numbers([*rows[row][:8], *rows[row][-8:]]) for row in picked},
    }


def features_of(model, inputs):
    """-> [rows, hidden]: what stands in the place of the picture's tokens, in order."""
    known = {key: value for key, value in inputs.items() if key in ("pixel_values", "pixel_attention_mask", "image_grid_thw")}
    with torch.no_grad():
        features = model.get_image_features(**known).pooler_output
    features = torch.cat(list(features)) if isinstance(features, (list, tuple)) else features
    return features.reshape(-1, features.shape[-1]).numpy()


def log_probs(model, inputs, tokens):
    """Of `tokens` behind the prompt, nats."""
    inputs = dict(inputs)
    response = torch.tensor([tokens])
    inputs["input_ids"] = torch.cat([inputs["input_ids"], response], dim=1)
    for key, filling in (("attention_mask", 1), ("token_type_ids", 0), ("mm_token_type_ids", 0)):
        if key in inputs:
            inputs[key] = torch.cat([inputs[key], torch.full_like(response, filling)], dim=1)
    with torch.no_grad():
        logits = model(**inputs, use_cache=False).logits[0]
    return row_reference(logits[-len(tokens) - 1 : -1].numpy(), tokens)["log_prob"]


def model_inputs(processor, family, text, pictures, mtmd):
    """mtmd: the name of the family, or None for transformers' own."""
    if mtmd:
        shown = [vision_mtmd.prepared(mtmd, picture) for picture in pictures]
        if mtmd == "internvl":
            counts = iter(map(len, shown))
            text = re.sub(family.image_token, lambda found: found[0] * next(counts), text)
        pictures = sum(shown, [])
    inputs = processor(text=[text], images=pictures or None, return_tensors="pt", add_special_tokens=False)
    if mtmd and pictures:
        expanded = processor.tokenizer.decode(inputs["input_ids"][0])
        tokens = processor.tokenizer.encode(vision_mtmd.prompt_text(mtmd, expanded), add_special_tokens=False)
        inputs["input_ids"] = torch.tensor([tokens])
        inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
        for key in ("token_type_ids", "mm_token_type_ids"):
            if key in inputs:
                picture_token = processor.tokenizer.convert_tokens_to_ids(family.image_token)
                inputs[key] = (inputs["input_ids"] == picture_token).long()
    return inputs


def positions_of(model, inputs):
    """The prompt's length in positions of the decoder: under M-RoPE a picture takes those of its longer side."""
    if "image_grid_thw" not in inputs:
        return inputs["input_ids"].shape[1]
    known = {key: inputs[key] for key in ("input_ids", "mm_token_type_ids", "image_grid_thw", "attention_mask")}
    return int(model.model.get_rope_index(**known)[0].max()) + 1


def run(models, inputs, tokens):
    plain, half = models
    return {
        "prompt_tokens": inputs["input_ids"][0].tolist(),
        "positions": positions_of(plain, inputs),
        "log_prob": log_probs(plain, inputs, tokens),
        "half_precision": log_probs(half, inputs, tokens),
    }


def conversation(name, family, processor, models, pictures, messages, response):
    tokenizer = processor.tokenizer
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    whole = tokenizer.apply_chat_template(messages + [turn("assistant", response)], tokenize=False)
    response = family.assistant_prefix + response
    if not whole.startswith(text + response + family.turn_ends):
        raise ValueError(f"[conversation] the template of {name} rewrites the response {response!r}")
    tokens = tokenizer.encode(response + family.turn_ends, add_special_tokens=False)
    shown = [pictures[part["path"]] for message in messages for part in message["content"] if part["type"] == "image"]
    return {"messages": messages, "response": response, "response_tokens": tokens} | {
        kind: run(models[kind], model_inputs(processor, family, text, shown, mtmd), tokens)
        for kind, mtmd in (("transformers", None), ("mtmd", name))
    }


def picture_values(name, family, processor, models, path, picture):
    values = {"path": path, "exact": re.sub(r"vision_|\.png", "", path) in family.exact}
    for kind, mtmd in (("transformers", None), ("mtmd", name)):
        shown = vision_mtmd.prepared(mtmd, picture) if mtmd else [picture]
        inputs = processor.image_processor(images=shown, return_tensors="pt")
        plain, half = (features_of(model, inputs) for model in models[kind])
        values[kind] = {"pixels": summary(inputs["pixel_values"].numpy()), "features": summary(plain)} | {
            "half_precision": summary(half)
        }
    return values


def main():
    logging.disable(logging.INFO)
    pictures = {}
    for picture in PICTURES:
        path = HERE / f"vision_{picture}.png"
        write_png(path, make_picture(picture))
        pictures[path.name] = Image.open(path).convert("RGB")
    families = []
    for number, (name, family) in enumerate(FAMILIES.items()):
        tokenizer = make_tokenizer(family)
        processor = family.processor(tokenizer)
        made = lambda: make_model(family, tokenizer, seed=4000 + number)
        models = {
            "transformers": (made(), with_half_precision(made())),
            "mtmd": tuple(vision_mtmd.prepared_model(name, model) for model in (made(), with_half_precision(made()))),
        }
        paths = write_gguf(name, family, models["transformers"][0], processor)
        entry = {
            "family": name,
            "model": paths[0].name,
            "projector": paths[1].name,
            "image_token": tokenizer.convert_tokens_to_ids(family.image_token),
            "pictures": [picture_values(name, family, processor, models, *picture) for picture in pictures.items()],
            "conversations": [
                conversation(name, family, processor, models, pictures, *item) for item in CONVERSATIONS
            ],
        }
        families.append(entry)
        print(f"{name}: {paths[0].stat().st_size} + {paths[1].stat().st_size} bytes")
        for item in entry["conversations"]:
            rows = [np.array(item[kind]["log_prob"]) for kind in ("transformers", "mtmd")]
            rounding = np.abs(np.array(item["mtmd"]["half_precision"]) - rows[1]).max()
            print(
                f"  {len(item['mtmd']['prompt_tokens'])} + {len(item['response_tokens'])} tokens, mean {rows[0].mean():.3f},"
                f" mtmd differs by up to {np.abs(rows[0] - rows[1]).max():.2g}, in half precision by {rounding:.2g}"
            )
    lines = json.dumps({"families": families}, separators=(",", ":"))
    for start in ('{"family"', '{"path":"vision', '{"messages"'):
        lines = lines.replace(start, "\n" + start)
    (HERE / "vision_models.json").write_text(lines + "\n")


if __name__ == "__main__":
    main()
