"""A model of Qwen2.5-0.5B's shape with the real vocabulary and random weights, as a bf16 GGUF file."""

import gguf
import numpy

LAYERS, HIDDEN, HEADS, KEY_VALUE_HEADS, WIDTH, FEED_FORWARD, VOCABULARY = 24, 896, 14, 2, 64, 4864, 151936
DEVIATION = 0.02  # of the weights, as models of this family begin: logits then have a deviation of about 0.6
SEED = 20250626


def write_random_qwen(vocabulary_file, destination):
    source = gguf.GGUFReader(vocabulary_file)
    writer = gguf.GGUFWriter(destination, "qwen2")
    writer.add_name("random weights in the shape of Qwen2.5-0.5B")
    writer.add_block_count(LAYERS)
    writer.add_context_length(32768)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_VALUE_HEADS)
    writer.add_rope_freq_base(1e6)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_BF16)
    for name, field in source.fields.items():
        if name.startswith("tokenizer."):
            writer.add_key_value(name, field.contents(), field.types[0], field.types[1] if len(field.types) > 1 else None)

    random = numpy.random.default_rng(SEED)

    def add_matrix(name, rows, columns):
        values = random.standard_normal((rows, columns), dtype=numpy.float32) * numpy.float32(DEVIATION)
        raw = gguf.quants.quantize(values, gguf.GGMLQuantizationType.BF16)
        writer.add_tensor(name, raw, raw_dtype=gguf.GGMLQuantizationType.BF16)

    def add_vector(name, size, centre):
        values = random.standard_normal(size, dtype=numpy.float32) * numpy.float32(DEVIATION)
        writer.add_tensor(name, values + numpy.float32(centre))

    add_matrix("token_embd.weight", VOCABULARY, HIDDEN)
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        add_vector(block + "attn_norm.weight", HIDDEN, 1.0)
        for part, rows in (("q", HEADS * WIDTH), ("k", KEY_VALUE_HEADS * WIDTH), ("v", KEY_VALUE_HEADS * WIDTH)):
            add_matrix(f"{block}attn_{part}.weight", rows, HIDDEN)
            add_vector(f"{block}attn_{part}.bias", rows, 0.0)
        add_matrix(block + "attn_output.weight", HIDDEN, HEADS * WIDTH)
        add_vector(block + "ffn_norm.weight", HIDDEN, 1.0)
        add_matrix(block + "ffn_gate.weight", FEED_FORWARD, HIDDEN)
        add_matrix(block + "ffn_up.weight", FEED_FORWARD, HIDDEN)
        add_matrix(block + "ffn_down.weight", HIDDEN, FEED_FORWARD)
    add_vector("output_norm.weight", HIDDEN, 1.0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
