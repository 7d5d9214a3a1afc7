#!/usr/bin/env python3
"""Writes tiny checkpoints with random weights, as transformers and PEFT write them, for convert_checkpoint.py.

    tiny_checkpoints.py FOLDER --vocabularies LLAMA_CPP/models

FOLDER gets llama, qwen3 and gemma3 (config, tokenizer, safetensors in f32), gemma3_of_another_pattern, which llama.cpp
computes otherwise than transformers, and adapter (PEFT's, rank 4, for llama). The
tokenizers of llama and gemma3 are trained here on the README. llama.cpp knows tokenizers of Qwen's kind by what they do
with one text, so qwen3 has Qwen 2's own vocabulary, which llama.cpp keeps for its tests.
"""
import argparse
import json
import pathlib
import sys

import sentencepiece
import torch
import transformers

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHAT_TEMPLATE = ("{% for message in messages %}<start>{{ message['role'] }}\n{{ message['content'] }}<end>\n{% endfor %}"
                 "{% if add_generation_prompt %}<start>assistant\n{% endif %}")
SHAPE = dict(hidden_size=64, intermediate_size=160, num_attention_heads=4, num_key_value_heads=2,
             max_position_embeddings=512)


def train_pieces(folder, bos, eos, unknown, extra):
    """tokenizer.model of 600 pieces with byte fallback."""
    lines = [line for line in (ROOT / "README.md").read_text().splitlines() if line.strip()]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=str(folder / "tokenizer"), vocab_size=600, model_type="bpe",
        byte_fallback=True, minloglevel=2, user_defined_symbols=["<start>", "<end>"], normalization_rule_name="identity",
        remove_extra_whitespaces=False, bos_piece=bos, eos_piece=eos, unk_piece=unknown, **extra)
    (folder / "tokenizer.vocab").unlink()


def save_piece_tokenizer(folder, kind, **tokens):
    configuration = {"tokenizer_class": kind, "add_bos_token": True, "add_eos_token": False, **tokens}
    (folder / "tokenizer_config.json").write_text(json.dumps(configuration))
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(folder)
    return tokenizer


def save_model(folder, configuration):
    """Weights three times as wide as usual: what is wrong shows in the logits."""
    torch.manual_seed(7)
    model = transformers.AutoModelForCausalLM.from_config(configuration, dtype=torch.float32)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 1:  # norms that are not all alike
                weight.add_(0.2 * torch.randn_like(weight))
            elif "embed" not in name:
                weight.mul_(3)
    model.save_pretrained(folder)
    return model


def write_llama(folder):
    folder.mkdir(parents=True)
    train_pieces(folder, "<s>", "</s>", "<unk>", {})
    save_piece_tokenizer(folder, "LlamaTokenizer", bos_token="<s>", eos_token="</s>", unk_token="<unk>", legacy=False)
    return save_model(folder, transformers.LlamaConfig(vocab_size=600, num_hidden_layers=3, bos_token_id=1, eos_token_id=2, **SHAPE))


def write_gemma3(folder, full_attention_every):
    """llama.cpp knows Gemma 3's every sixth layer as the one with full attention, and no other pattern."""
    folder.mkdir(parents=True)
    train_pieces(folder, "<bos>", "<eos>", "<unk>",
                 dict(pad_id=0, eos_id=1, bos_id=2, unk_id=3, pad_piece="<pad>", add_dummy_prefix=False))
    save_piece_tokenizer(folder, "GemmaTokenizer", bos_token="<bos>", eos_token="<eos>", unk_token="<unk>",
                         pad_token="<pad>")
    layers = ["full_attention" if (layer + 1) % full_attention_every == 0 else "sliding_attention" for layer in range(6)]
    return save_model(folder, transformers.Gemma3TextConfig(
        vocab_size=600, head_dim=32, query_pre_attn_scalar=32, sliding_window=16, bos_token_id=2, eos_token_id=1,
        pad_token_id=0, num_hidden_layers=6, layer_types=layers, **SHAPE))


def write_qwen3(folder, vocabularies):
    from gguf import GGUFReader
    reader = GGUFReader(vocabularies / "ggml-vocab-qwen2.gguf")
    tokens = reader.fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(merge.split(" ")) for merge in reader.fields["tokenizer.ggml.merges"].contents()]
    kinds = reader.fields["tokenizer.ggml.token_type"].contents()
    special = [token for token, kind in zip(tokens, kinds) if kind == 3]  # control
    ordinary = {token: index for index, (token, kind) in enumerate(zip(tokens, kinds)) if kind == 1}
    folder.mkdir(parents=True)
    tokenizer = transformers.Qwen2Tokenizer(vocab=ordinary, merges=merges, eos_token="<|im_end|>",
                                            pad_token="<|endoftext|>", unk_token=None)
    tokenizer.add_special_tokens({"additional_special_tokens": special})
    tokenizer.chat_template = CHAT_TEMPLATE.replace("<start>", "<|im_start|>").replace("<end>", "<|im_end|>")
    tokenizer.save_pretrained(folder)
    return save_model(folder, transformers.Qwen3Config(
        vocab_size=len(tokens), head_dim=16, eos_token_id=tokenizer.eos_token_id, bos_token_id=None,
        num_hidden_layers=3, tie_word_embeddings=True, **SHAPE))


def write_adapter(folder, model):
    import peft
    torch.manual_seed(11)
    adapted = peft.get_peft_model(model, peft.LoraConfig(
        r=4, lora_alpha=8, target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]))
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_B" in name:  # begin at zero
                weight.add_(0.1 * torch.randn_like(weight))
    adapted.save_pretrained(folder)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--vocabularies", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    sys.path.insert(0, str(arguments.vocabularies.parent / "gguf-py"))
    transformers.logging.set_verbosity_error()
    folder = arguments.folder
    llama = write_llama(folder / "llama")
    llama.config._name_or_path = llama.name_or_path = str(folder / "llama")
    write_adapter(folder / "adapter", llama)
    write_gemma3(folder / "gemma3", 6)
    write_gemma3(folder / "gemma3_of_another_pattern", 3)
    write_qwen3(folder / "qwen3", arguments.vocabularies)


if __name__ == "__main__":
    main()
