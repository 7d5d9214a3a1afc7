#!/usr/bin/env python3
"""Writes engine_tiny_*.gguf, small models with random weights, and engine_tiny_models.json, what transformers says of them.

    python3 tests/golden/engine_tiny_models.py     # needs torch, transformers, gguf; half a minute

Versions and tolerances: README.md beside this file. The arithmetic of the models is f32 with attn_implementation="eager";
logit, log_sum_exp (over the real vocabulary, without padding columns), log_prob and entropy are computed in float64 from
the f32 logits. Numbers at place i speak of tokens[i + 1] given tokens[0..i]. The Gemma models have a second set, with the
GELU that ggml computes on a CPU: "half_precision_gelu".
"""

import json
import pathlib

import gguf
import numpy as np
import torch
import transformers

from engine_tiny_gguf import BOS_ID, CHATML, SPECIAL, VOCABULARY, write_gguf
from engine_row_reference import row_reference

HERE = pathlib.Path(__file__).parent
REAL = len(VOCABULARY)
SHAPE = dict(
    vocab_size=REAL,
    hidden_size=64,
    intermediate_size=96,
    num_hidden_layers=3,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=512,
    bos_token_id=BOS_ID,
    eos_token_id=2,
    pad_token_id=None,
)
THETA = {"rope_type": "default", "rope_theta": 10000.0}
WINDOW = 16  # of the sliding layers: shorter than most sequences
ARCH = gguf.MODEL_ARCH


def gemma3_config():
    return transformers.Gemma3TextConfig(
        **SHAPE,
        head_dim=16,
        query_pre_attn_scalar=16,
        sliding_window=WINDOW,
        layer_types=["sliding_attention", "sliding_attention", "full_attention"],
        rope_parameters={
            "sliding_attention": THETA,
            "full_attention": {"rope_type": "default", "rope_theta": 1000000.0},
        },
    )


# name: (class, config, architecture of the GGUF, its further options)
MODELS = {
    "llama": (
        transformers.LlamaForCausalLM,
        transformers.LlamaConfig(**SHAPE, rope_parameters=THETA, tie_word_embeddings=False),
        ARCH.LLAMA,
        dict(chat_template=CHATML),
    ),
    "qwen2": (  # tied embeddings, biases, eight padding columns behind the vocabulary
        transformers.Qwen2ForCausalLM,
        transformers.Qwen2Config(**(SHAPE | {"vocab_size": REAL + 8}), rope_parameters=THETA, tie_word_embeddings=True),
        ARCH.QWEN2,
        dict(chat_template=CHATML, add_bos=False),
    ),
    "gemma2": (  # both caps are low enough to bend most scores
        transformers.Gemma2ForCausalLM,
        transformers.Gemma2Config(
            **SHAPE,
            head_dim=16,
            query_pre_attn_scalar=16,
            sliding_window=WINDOW,
            attn_logit_softcapping=4.0,
            final_logit_softcapping=6.0,
            rope_parameters=THETA,
        ),
        ARCH.GEMMA2,
        {},
    ),
    "gemma3": (transformers.Gemma3ForCausalLM, gemma3_config(), ARCH.GEMMA3, {}),
    "phi3": (
        transformers.Phi3ForCausalLM,
        transformers.Phi3Config(
            **SHAPE, original_max_position_embeddings=512, rope_parameters=THETA, tie_word_embeddings=False
        ),
        ARCH.PHI3,
        {},
    ),
    "qwen2moe": (
        transformers.Qwen2MoeForCausalLM,
        transformers.Qwen2MoeConfig(
            **(SHAPE | {"num_hidden_layers": 2}),
            num_experts=4,
            num_experts_per_tok=2,
            moe_intermediate_size=32,
            shared_expert_intermediate_size=64,
            rope_parameters=THETA,
            tie_word_embeddings=False,
        ),
        ARCH.QWEN2MOE,
        {},
    ),
    "mamba": (
        transformers.MambaForCausalLM,
        transformers.MambaConfig(
            vocab_size=REAL, hidden_size=64, num_hidden_layers=2, state_size=16, time_step_rank=4, bos_token_id=BOS_ID,
            eos_token_id=2, pad_token_id=0, tie_word_embeddings=False,
        ),
        ARCH.MAMBA,
        {},
    ),
    "qwen3": (  # normalised queries and keys
        transformers.Qwen3ForCausalLM,
        transformers.Qwen3Config(**SHAPE, head_dim=16, rope_parameters=THETA, tie_word_embeddings=True),
        ARCH.QWEN3,
        dict(chat_template=CHATML, add_bos=False),
    ),
}


def random_weight(name, shape, config, random):
    """Scales under which attention is uneven and logits spread by 2 to 4, as those of trained models do."""
    noise = random.standard_normal(shape)
    if name.endswith("A_log"):
        return np.log(np.arange(1, shape[1] + 1)) + 0.1 * noise
    if name.endswith("dt_proj.bias"):
        return -2 + 0.5 * noise
    if name.endswith("bias"):
        return 0.3 * noise
    if name.endswith("mixer.D") or (len(shape) == 1 and not config.model_type.startswith("gemma")):
        return 1 + 0.2 * noise
    if len(shape) == 1:
        return 0.2 * noise
    if "embed" in name:
        return noise * (0.35 if config.tie_word_embeddings else 1)
    if name == "lm_head.weight":
        return 0.35 * noise
    gain = 1.6 if any(part in name for part in ("q_proj", "k_proj", "qkv_proj", "conv1d")) else 1
    return gain * noise / np.sqrt(shape[-1])


def make_model(kind, config, seed):
    config._attn_implementation = "eager"
    model = kind(config).to(torch.float32).eval()
    random = np.random.RandomState(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            weight = random_weight(name, tuple(parameter.shape), config, random)
            parameter.copy_(torch.from_numpy(weight.astype(np.float32)))
    return model


class HalfPrecisionGelu(torch.nn.Module):
    """ggml's tanh GELU on a CPU: a table from half precision to half precision where |x| < 10, in f32 otherwise."""

    def forward(self, x):
        half = torch.nn.functional.gelu(x.half().float(), approximate="tanh").half().float()
        return torch.where(x <= -10, torch.zeros_like(x), torch.where(x >= 10, x, half))


def with_half_precision_gelu(model):
    for layer in model.model.layers:
        layer.mlp.act_fn = HalfPrecisionGelu()
    return model


def logits_of(model, tokens):
    """[T] -> [T, real vocabulary], f32."""
    with torch.no_grad():
        return model(torch.tensor([tokens]), use_cache=False).logits[0, :, :REAL].numpy()


def sampled(model, prefix, length, random):
    """prefix, continued to `length` tokens by sampling from the model itself: tokens of usual probability."""
    tokens = list(prefix)
    while len(tokens) < length:
        row = logits_of(model, tokens)[-1].astype(np.float64)
        probabilities = np.exp(row - row.max())
        tokens.append(int(random.choice(REAL, p=probabilities / probabilities.sum())))
    return tokens


def make_sequences(model, seed):
    """Of 5 to 80 tokens. Some share prefixes; the one without BOS has a tree of its own."""
    random = np.random.RandomState(seed)
    uniform = lambda count: [int(t) for t in random.randint(len(SPECIAL), REAL, count)]
    trunk = sampled(model, [BOS_ID], 12, random)
    return [
        trunk[:5],
        sampled(model, trunk, 33, random),
        sampled(model, trunk, 24, random),
        trunk + uniform(38),
        sampled(model, [BOS_ID] + uniform(1), 80, random),
        [BOS_ID] + uniform(79),
        uniform(17),
    ]


def main():
    reference = {"models": []}
    for number, (name, (kind, config, architecture, options)) in enumerate(MODELS.items()):
        model = make_model(kind, config, seed=1000 + number)
        path = HERE / f"engine_tiny_{name}.gguf"
        write_gguf(path, model, architecture, **options)
        sequences, spread = [], []
        for tokens in make_sequences(model, seed=2000 + number):
            logits = logits_of(model, tokens)
            spread.append(logits.std(axis=1).mean())
            sequences.append({"tokens": tokens} | row_reference(logits[:-1], tokens[1:]))
        if name.startswith("gemma"):
            with_half_precision_gelu(model)
            for entry in sequences:
                entry["half_precision_gelu"] = row_reference(logits_of(model, entry["tokens"])[:-1], entry["tokens"][1:])
        reference["models"].append({"name": name, "file": path.name, "vocabulary": REAL, "sequences": sequences})
        print(f"{name}: {path.stat().st_size} bytes, standard deviation of a row of logits {np.mean(spread):.2f}")
    lines = json.dumps(reference, separators=(",", ":")).replace('{"tokens"', '\n{"tokens"').replace('{"name"', '\n{"name"')
    (HERE / "engine_tiny_models.json").write_text(lines + "\n")


if __name__ == "__main__":
    main()
