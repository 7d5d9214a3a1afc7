"""Writes a transformers model with random weights as a GGUF file of f32 tensors, with a small byte-level vocabulary.

Used by engine_tiny_models.py. Needs gguf (gguf-py) and numpy.
"""

import gguf
import numpy as np

MERGES = (
    "t h|h e|i n|e r|a n|r e|o n|a t|e n|o r|e s|i s|i t|a r|t e|o u|s t|n d|\u0120 t|\u0120 a|\u0120 s|\u0120 w|\u0120 c|"
    "\u0120 b|\u0120 p|\u0120 f|\u0120 d|\u0120 m|\u0120 o|\u0120 i|\u0120 th|\u0120 in|\u0120 an|\u0120 re|in g|th e|\u0120 the|"
    "an d|\u0120t o|\u0120o f|\u0120an d|\u0120i s|l l|l e|c h|s e|v e|l y|e d|u r|i c|a l|r o|q u|\u0120 y|\u0120y ou|at i|on s|"
    "er s|\u0120 be|\u0120 n"
).split("|")
BOS, TURN_BEGINS, TURN_ENDS = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIAL = [BOS, TURN_BEGINS, TURN_ENDS]
BOS_ID, TURN_ENDS_ID = 0, 2
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def byte_symbols():
    """The character that byte-level BPE writes for each of the 256 bytes."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAC + 1), *range(0xAE, 0xFF + 1)]
    symbols, moved = [], 0
    for byte in range(256):
        if byte in printable:
            symbols.append(chr(byte))
        else:
            symbols.append(chr(256 + moved))
            moved += 1
    return symbols


VOCABULARY = SPECIAL + byte_symbols() + [merge.replace(" ", "") for merge in MERGES]
assert len(set(VOCABULARY)) == len(VOCABULARY), "a token stands twice in the vocabulary"


def add_vocabulary(writer, model):
    padding = [f"[PAD{i}]" for i in range(len(VOCABULARY), model.config.vocab_size)]
    kinds = [gguf.TokenType.CONTROL] * len(SPECIAL)
    kinds += [gguf.TokenType.NORMAL] * (len(VOCABULARY) - len(SPECIAL))
    kinds += [gguf.TokenType.UNUSED] * len(padding)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(VOCABULARY + padding)
    writer.add_token_types(kinds)
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(BOS_ID)
    writer.add_eos_token_id(TURN_ENDS_ID)


def add_transformer(writer, config):
    rope = config.rope_parameters
    writer.add_context_length(config.max_position_embeddings)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(rope.get("full_attention", rope)["rope_theta"])
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer.add_rope_dimension_count(head)
    writer.add_key_length(head)
    writer.add_value_length(head)
    if config.model_type == "qwen2_moe":
        writer.add_expert_count(config.num_experts)
        writer.add_expert_used_count(config.num_experts_per_tok)
        writer.add_expert_feed_forward_length(config.moe_intermediate_size)
        writer.add_expert_shared_feed_forward_length(config.shared_expert_intermediate_size)
    if config.model_type == "phi3":
        writer.add_rope_scaling_orig_ctx_len(config.original_max_position_embeddings)
        writer.add_sliding_window(0)
    if config.model_type.startswith("gemma"):
        # Both sides scale attention by head_dim; libllama takes it from there and has no key of its own for it.
        assert config.query_pre_attn_scalar == head
        writer.add_sliding_window(config.sliding_window)
        writer.add_sliding_window_pattern([kind == "sliding_attention" for kind in config.layer_types])
    if config.model_type == "gemma2":
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
    if config.model_type == "gemma3_text":
        writer.add_rope_freq_base_swa(rope["sliding_attention"]["rope_theta"])


def add_mamba(writer, config):
    writer.add_context_length(2048)
    writer.add_feed_forward_length(0)
    writer.add_head_count(0)
    writer.add_ssm_conv_kernel(config.conv_kernel)
    writer.add_ssm_inner_size(config.intermediate_size)
    writer.add_ssm_state_size(config.state_size)
    writer.add_ssm_time_step_rank(int(config.time_step_rank))
    writer.add_layer_norm_rms_eps(config.layer_norm_epsilon)
    writer.add_ssm_dt_b_c_rms(False)


def interleaved(weight, heads):
    """[heads * head_dim, ...] from rotary pairs (i, i + head_dim/2), transformers' order, to (2i, 2i + 1), Llama's own."""
    halves = weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
    return halves.swapaxes(1, 2).reshape(weight.shape)


def gguf_tensors(name, weight, config):
    """One tensor of the state dict -> the (name, array) that libllama expects, names still transformers'."""
    kind = config.model_type
    if name.endswith("experts.gate_up_proj"):
        gate, up = np.split(weight, 2, axis=1)
        return [(name.replace("gate_up_proj", "gate_proj.weight"), gate), (name.replace("gate_up_proj", "up_proj.weight"), up)]
    if name.endswith("experts.down_proj"):
        return [(name + ".weight", weight)]
    if name.endswith("shared_expert_gate.weight"):
        return [(name, weight[0])]
    if kind == "llama" and name.endswith("q_proj.weight"):
        return [(name, interleaved(weight, config.num_attention_heads))]
    if kind == "llama" and name.endswith("k_proj.weight"):
        return [(name, interleaved(weight, config.num_key_value_heads))]
    if kind.startswith("gemma") and name.endswith("norm.weight"):
        return [(name, weight + np.float32(1))]  # transformers multiplies by 1 + weight
    if name.endswith("A_log"):
        return [(name, -np.exp(weight))]
    if name.endswith("conv1d.weight"):
        return [(name, weight[:, 0, :])]
    return [(name, weight)]


def write_gguf(path, model, architecture, chat_template=None, add_bos=True):
    config = model.config
    writer = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[architecture])
    writer.add_name("tiny")  # libllama changes the vocabulary of a model whose name contains "phi3"
    writer.add_description("Random weights: a test of arithmetic, not a language model")
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_embedding_length(config.hidden_size)
    writer.add_vocab_size(config.vocab_size)
    (add_mamba if config.model_type == "mamba" else add_transformer)(writer, config)
    add_vocabulary(writer, model)
    writer.add_add_bos_token(add_bos)
    if chat_template:
        writer.add_chat_template(chat_template)
    names = gguf.get_tensor_name_map(architecture, config.num_hidden_layers)
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        for part_name, part in gguf_tensors(name, tensor.numpy(), config):
            mapped = names.get_name(part_name, try_suffixes=(".weight", ".bias"))
            if mapped is None:
                raise ValueError(f"[write_gguf] no GGUF name for the tensor {part_name}")
            writer.add_tensor(mapped, np.ascontiguousarray(part, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
