"""A policy small enough to be trained in a test: a made-up Llama of Hugging Face with a byte tokenizer of its own."""

import tokenizers
import torch
import transformers

END = "<end>"
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


def tokenizer():
    """Bytes as tokens, <end> to end a turn, <pad> to fill."""
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    words = {word: place for place, word in enumerate(["<pad>", END, *alphabet])}
    made = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=words, merges=[]))
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token=END, padding_side="left"
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def tokenizer_of(engine, size=49152, end="<|im_end|>"):
    """A tokenizer whose every id is the token that it is to the engine; texts are cut into bytes."""
    shown = [byte for byte in range(256) if 33 <= byte <= 126 or 161 <= byte <= 172 or byte >= 174]
    letters = {byte: chr(byte) for byte in shown}  # as byte-level vocabularies write bytes
    letters |= {byte: chr(256 + n) for n, byte in enumerate(byte for byte in range(256) if byte not in shown)}
    words = {}
    for place, piece in enumerate(engine.token_bytes(list(range(size)))):
        words.setdefault("".join(letters[byte] for byte in piece), place)
    made = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=words, merges=[]))
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<|endoftext|>", eos_token=end, padding_side="left"
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def model(vocabulary, end=1):
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=end,
    )
    return transformers.LlamaForCausalLM(config)
