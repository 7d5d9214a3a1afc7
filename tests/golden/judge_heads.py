#!/usr/bin/env python3
"""Writes judge_head_*.safetensors and judge_head_*.gguf, heads with random weights on the tiny models of
engine_tiny_models.py, and judge_heads.json, the rewards that transformers' AutoModelForSequenceClassification gives.
"probe" is the head alone on a random hidden state.

    python3 tests/golden/judge_heads.py     # needs torch, transformers, tokenizers, safetensors, gguf; seconds

The models are those of the files engine_tiny_*.gguf, made again from their seeds. Text becomes tokens by transformers'
own chat template and byte-level tokenizer. Arithmetic is f32 with attn_implementation="eager", one sequence at a time
without padding; a head stored in half precision is rounded first and then used in f32, as the judge does.
"""

import json
import pathlib

import gguf
import numpy as np
import safetensors.torch
import tokenizers
import torch
import transformers

from engine_tiny_gguf import BOS, BOS_ID, CHATML, MERGES, SPECIAL, TURN_ENDS, VOCABULARY
from engine_tiny_models import MODELS, make_model

HERE = pathlib.Path(__file__).parent
QUESTION = [{"role": "user", "content": "Name the end of the street."}]
CONVERSATION = [
    {"role": "system", "content": "You answer in one word."},
    {"role": "user", "content": "Is the water warm?"},
    {"role": "assistant", "content": "Yes."},
    {"role": "user", "content": "And the sand, is it so too?"},
]
RECORDS = [
    (QUESTION, ["It ends at the sea.", "No", "I do not know that one, but others may; ask them.\n\nAsk twice."]),
    (CONVERSATION, ["Warm.", "It is warm \u00e9t\u00e9 comme hiver, 100 %!"]),
]


def make_tokenizer():
    known = set(VOCABULARY)
    merges = [pair for pair in (tuple(merge.split()) for merge in MERGES) if known.issuperset(pair)]
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE({token: i for i, token in enumerate(VOCABULARY)}, merges))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens(SPECIAL)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=BOS, eos_token=TURN_ENDS, chat_template=CHATML
    )


def tokens_of(tokenizer, messages, response, add_bos):
    """As the template writes it, the newline behind the end of the turn included."""
    text = tokenizer.apply_chat_template(messages + [{"role": "assistant", "content": response}], tokenize=False)
    return [BOS_ID] * add_bos + tokenizer.encode(text, add_special_tokens=False)


def linear_head(width, random):
    head = torch.nn.Linear(width, 1, bias=False)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(random.standard_normal((1, width)).astype(np.float32)))
    return head


def mlp_head(width, random):
    head = torch.nn.Sequential(torch.nn.Linear(width, 48), torch.nn.ReLU(), torch.nn.Linear(48, 1))
    with torch.no_grad():
        for parameter in head.parameters():
            scale = 1 / np.sqrt(parameter.shape[-1])
            parameter.copy_(torch.from_numpy((scale * random.standard_normal(parameter.shape)).astype(np.float32)))
    return head


def write_head(path, head, precision):
    """Rounds the head to what is stored, and stores it."""
    tensors = {"score." + name: tensor for name, tensor in head.to(precision).state_dict().items()}
    if path.suffix == ".safetensors":
        safetensors.torch.save_file(tensors, path, metadata={"format": "pt"})
    else:
        writer = gguf.GGUFWriter(path, "reward-head")
        for name, tensor in tensors.items():
            if precision == torch.bfloat16:
                data = tensor.view(torch.uint16).numpy()
                writer.add_tensor(name, data.view(np.uint8), raw_dtype=gguf.GGMLQuantizationType.BF16)
            else:
                writer.add_tensor(name, tensor.numpy())
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    head.to(torch.float32)


HEADS = [  # model, kind of head, stored as
    ("llama", linear_head, torch.float32, "safetensors"),
    ("llama", linear_head, torch.float16, "gguf"),
    ("llama", mlp_head, torch.bfloat16, "gguf"),
    ("qwen2", linear_head, torch.bfloat16, "safetensors"),
    ("qwen2", mlp_head, torch.float16, "safetensors"),
    ("qwen2", mlp_head, torch.float32, "gguf"),
]


def main():
    tokenizer = make_tokenizer()
    reference = []
    for seed, (name, make_head, precision, kind) in enumerate(HEADS):
        number = list(MODELS).index(name)
        causal_class, config, _, options = MODELS[name]
        causal = make_model(causal_class, config, seed=1000 + number)
        config.num_labels = 1
        model = transformers.AutoModelForSequenceClassification.from_config(config, attn_implementation="eager").eval()
        model.model.load_state_dict(causal.model.state_dict())
        model.score = make_head(config.hidden_size, np.random.RandomState(3000 + seed))
        stored = f"{str(precision).removeprefix('torch.')}"
        path = HERE / f"judge_head_{name}_{make_head.__name__.removesuffix('_head')}_{stored}.{kind}"
        write_head(path, model.score, precision)
        records = []
        for messages, responses in RECORDS:
            rewards, tokens = [], []
            for response in responses:
                tokens.append(tokens_of(tokenizer, messages, response, options.get("add_bos", True)))
                with torch.no_grad():
                    rewards.append(model(torch.tensor([tokens[-1]])).logits[0, 0].item())
            records.append({"messages": messages, "responses": responses, "tokens": tokens, "rewards": rewards})
        probe = np.random.RandomState(4000 + seed).standard_normal(config.hidden_size).astype(np.float32)
        with torch.no_grad():
            probe_reward = model.score(torch.from_numpy(probe)).item()
        reference.append(
            {
                "model": f"engine_tiny_{name}.gguf",
                "head": path.name,
                "probe": {"hidden": probe.tolist(), "reward": probe_reward},
                "records": records,
            }
        )
        print(path.name, path.stat().st_size, [reward for record in records for reward in record["rewards"]])
    lines = json.dumps(reference, separators=(",", ":")).replace('{"model"', '\n{"model"').replace('{"messages"', '\n{"messages"')
    (HERE / "judge_heads.json").write_text(lines + "\n")


if __name__ == "__main__":
    main()
