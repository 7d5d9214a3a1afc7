#!/usr/bin/env python3
"""Writes weight_file.gguf, a tensor of every type that holds weights and a key of every type of value, and
weight_file.json: what gguf-py reads there, and in some rows of the shipped SmolLM2-135M-Instruct (Q4_1).

    python3 tests/golden/weight_file.py SmolLM2-135M-Instruct.Q4_1.gguf     # needs gguf, numpy

Quantised tensors are random bytes: every bit of a block counts. Numbers are written so that f32 reads them back exactly.
"""

import json
import pathlib
import sys

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import GGUFValueType as Value

HERE = pathlib.Path(__file__).parent
ROWS, COLUMNS = 2, 256
TYPES = [
    Type.F32, Type.F16, Type.BF16, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q8_0, Type.Q2_K, Type.Q3_K, Type.Q4_K,
    Type.Q5_K, Type.Q6_K, Type.TQ1_0, Type.TQ2_0, Type.IQ2_XXS, Type.IQ2_XS, Type.IQ2_S, Type.IQ3_XXS, Type.IQ3_S,
    Type.IQ1_S, Type.IQ1_M, Type.IQ4_NL, Type.IQ4_XS, Type.MXFP4,
]  # fmt: skip
SMOLLM2_ROWS = {
    "token_embd.weight": [0, 17, 49151],
    "blk.0.ffn_down.weight": [0, 575],
    "blk.29.attn_q.weight": [3],
    "output_norm.weight": [0],
}


def random_blocks(kind, random):
    """Bytes [ROWS, bytes a row] of a type that stand for finite numbers of the size of weights."""
    block, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = []
    while len(blocks) < ROWS * COLUMNS // block:
        candidate = random.integers(0, 256, size=size, dtype=np.uint8)
        with np.errstate(all="ignore"):  # a scale may be NaN, infinite or huge: such a block is drawn again
            numbers = gguf.dequantize(candidate[None, :], kind)
        if np.isfinite(numbers).all() and np.abs(numbers).max() < 1e3 and np.abs(numbers).max() > 1e-3:
            blocks.append(candidate)
    return np.stack(blocks).reshape(ROWS, COLUMNS // block * size)


def add_metadata(writer):
    writer.add_uint8("number.u8", 200)
    writer.add_int8("number.i8", -5)
    writer.add_uint16("number.u16", 60000)
    writer.add_int16("number.i16", 1234)
    writer.add_uint32("number.u32", 4000000000)
    writer.add_int32("number.i32", -70000)
    writer.add_uint64("number.u64", 2**63 + 1)
    writer.add_int64("number.i64", 2**40)
    writer.add_float32("number.f32", 0.1)
    writer.add_float64("number.f64", 0.1)
    writer.add_bool("number.bool", True)
    writer.add_string("words", "gr\u00fc\u00dfe \U0001f600")
    writer.add_key_value("array.u32", [3, 1, 2], Value.ARRAY, sub_type=Value.UINT32)
    writer.add_key_value("array.bool", [True, False, True, True], Value.ARRAY, sub_type=Value.BOOL)
    writer.add_key_value("array.i32", [7, -1], Value.ARRAY, sub_type=Value.INT32)
    writer.add_key_value("array.text", ["a", "", "c"], Value.ARRAY, sub_type=Value.STRING)


def exact(numbers):
    return [float(f"{number:.9g}") for number in np.asarray(numbers, dtype=np.float32).ravel()]


def main():
    random = np.random.default_rng(8)
    path = HERE / "weight_file.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_custom_alignment(64)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_1)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    add_metadata(writer)
    golden = {"tensors": {}, "smollm2": {}}
    for kind in TYPES:
        name = kind.name.lower()
        if kind in (Type.F32, Type.F16, Type.BF16):
            numbers = random.standard_normal((ROWS, COLUMNS)).astype(np.float32)
            stored = numbers if kind == Type.F32 else gguf.quantize(numbers, kind)
        else:
            stored = random_blocks(kind, random)
        writer.add_tensor(name, stored, raw_dtype=kind)
        golden["tensors"][name] = exact(gguf.dequantize(stored, kind))
    writer.add_tensor("whole", np.arange(4, dtype=np.int32))
    writer.add_tensor("cube", np.arange(24, dtype=np.float32).reshape(2, 3, 4))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    shipped = {tensor.name: tensor for tensor in gguf.GGUFReader(sys.argv[1]).tensors}
    for name, rows in SMOLLM2_ROWS.items():
        tensor = shipped[name]
        numbers = gguf.dequantize(tensor.data, tensor.tensor_type)
        width = int(tensor.shape[0])
        chosen = [{"row": row, "values": exact(numbers.reshape(-1, width)[row, :96])} for row in rows]
        golden["smollm2"][name] = {"shape": [int(size) for size in reversed(tensor.shape)], "rows": chosen}
    lines = json.dumps(golden, separators=(",", ":")).replace('],"', '],\n"').replace('{"row"', '\n{"row"')
    (HERE / "weight_file.json").write_text(lines + "\n")


if __name__ == "__main__":
    main()
