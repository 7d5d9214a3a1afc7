#!/usr/bin/env python3
"""Writes tokenizer_texts.json: SmolLM2's tokens of texts of many kinds, by transformers' tokenizer.

    python3 tests/golden/tokenizer_texts.py SmolLM2-135M-Instruct.Q4_1.gguf     # needs torch, transformers, gguf

"plain" are the tokens where special tokens spelled out are text, "special" those where they are special tokens.
"""

import json
import pathlib
import sys

from smollm2_conversations import load_tokenizer

TEXTS = [
    "Hello, world!",
    " leading space",
    "   three leading spaces",
    "trailing spaces   ",
    "two\nlines",
    "\n\n\nblank lines\n\n",
    "tabs\tand\r\nreturns\r",
    "    indented = {'code': [1, 2.5e-3]};  // and a comment\n\treturn x->y[i++] != 0;\n",
    "0 12 123 1234 3.14159 1,000,000 2026-07-26 0x1F",
    "I'm, you've, they'll, it'd, CAN'T",
    "na\u00efve caf\u00e9 e\u0301 \u00c5ngstr\u00f6m \ufb01ne",
    "\u5730\u7403\u662f\u5706\u7684\u3002\u6771\u4eac\u90fd \u3072\u3089\u304c\u306a \ud55c\uad6d\uc5b4",
    "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd \u0928\u092e\u0938\u094d\u0924\u0947 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
    "\U0001f642\U0001f30d\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea \U0001f44d\U0001f3fd",
    "\u00a0no-break\u2003em\u200bzero\ufeffbom",
    "a" * 100 + " " * 70 + "=" * 100,
    "https://example.org/a?b=c&d=%20#e user@example.org",
    "x^2 + \u222b f(x) dx \u2264 \u221e \u2200\u03b5>0",
    "<|im_end|>",
    "before<|im_end|>\n<|im_start|>user\nbehind<|endoftext|>",
    "almost <|im_end| > <im_start> [INST] </s> <start_of_turn> <|eot_id|>",
    "<|im_<|im_end|>end|>",
    "?",
    " ",
    "\n",
]


def main():
    tokenizer = load_tokenizer(pathlib.Path(sys.argv[1]).resolve())
    texts = []
    for text in TEXTS:
        special = tokenizer.encode(text, add_special_tokens=False)
        tokenizer.backend_tokenizer.encode_special_tokens = True
        plain = tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids
        tokenizer.backend_tokenizer.encode_special_tokens = False
        texts.append({"text": text, "plain": plain, "special": special})
    lines = json.dumps({"texts": texts}, separators=(",", ":")).replace('{"text"', '\n{"text"')
    (pathlib.Path(__file__).parent / "tokenizer_texts.json").write_text(lines + "\n")


if __name__ == "__main__":
    main()
