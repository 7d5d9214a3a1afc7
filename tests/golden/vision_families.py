"""Four vision-language families, tiny: configuration, tokenizer, chat template and processor of each.

Used by vision_models.py. Needs transformers, tokenizers, pillow. Every vocabulary is the special tokens of its family, the
256 bytes and a few merges; pre-tokenizer, special tokens, sizes of a tile or patch and what the templates write are the
families' own.
"""

import dataclasses
from typing import Callable

import tokenizers
import transformers
from tokenizers import pre_tokenizers as split
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from engine_tiny_gguf import MERGES, byte_symbols

NEWLINE = "\u010a"  # as byte-level BPE writes it
LINE_MERGES = [f"{NEWLINE} {NEWLINE}", f"{NEWLINE * 2} {NEWLINE}"]

DECODER = dict(
    hidden_size=64,
    intermediate_size=96,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=1024,
    rms_norm_eps=1e-6,
)
TOWER = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2)

EACH_PART = "{% for part in message['content'] %}{{ part['text'] if part['type'] == 'text' else '<IMAGE>' }}{% endfor %}"
CONTENT = "{% if message['content'] is string %}{{ message['content'] }}{% else %}" + EACH_PART + "{% endif %}"
IDEFICS3_TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}:"
    "{% if message['content'] is string or message['content'][0]['type'] == 'text' %} {% endif %}"
    + CONTENT.replace("<IMAGE>", "<image>")
    + "<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)
QWEN_TEMPLATE = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    + CONTENT.replace("<IMAGE>", "<|vision_start|><|image_pad|><|vision_end|>")
    + "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
INTERNVL_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    + CONTENT.replace("<IMAGE>", "<IMG_CONTEXT>\n")
    + "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
GEMMA_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<start_of_turn>"
    "{{ 'model' if message['role'] == 'assistant' else message['role'] }}\n"
    + CONTENT.replace("<IMAGE>", "<start_of_image>")
    + "<end_of_turn>\n{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)

QWEN_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
PRE_TOKENIZERS = {  # under the names of llama.cpp
    "smollm": split.Sequence([split.Digits(individual_digits=True), split.ByteLevel(add_prefix_space=False)]),
    "qwen2": split.Sequence(
        [split.Split(tokenizers.Regex(QWEN_WORDS), "isolated"), split.ByteLevel(add_prefix_space=False, use_regex=False)]
    ),
    "gpt-2": split.ByteLevel(add_prefix_space=False),
}


@dataclasses.dataclass
class Family:
    pre_tokenizer: str
    special: list[str]
    named: dict[str, str]  # bos, eos, ... of the tokenizer
    template: str
    image_token: str  # stands once for every row of the encoder's output
    turn_ends: str
    assistant_prefix: str  # that the template writes in front of an assistant's text, behind the generation prompt
    exact: list[str]  # the pictures that need no resizing
    model: Callable  # vocabulary -> model
    processor: Callable  # tokenizer -> processor of transformers
    published_names: tuple = ("^$", "")  # pattern and replacement: names of weights as transformers saves them -> as published


def make_tokenizer(family, wanted=MERGES):
    vocabulary = family.special + byte_symbols()
    merges = []
    for merge in (tuple(merge.split(" ")) for merge in wanted + LINE_MERGES):
        if set(merge) <= set(vocabulary):  # tokenizers, unlike libllama, refuses a merge of what is no token
            merges.append(merge)
            vocabulary.append("".join(merge))
    assert len(set(vocabulary)) == len(vocabulary), "a token stands twice in the vocabulary"
    model = tokenizers.models.BPE(vocab={token: id for id, token in enumerate(vocabulary)}, merges=merges)
    backend = tokenizers.Tokenizer(model)
    backend.pre_tokenizer = PRE_TOKENIZERS[family.pre_tokenizer]
    backend.decoder = tokenizers.decoders.ByteLevel()
    if family.pre_tokenizer == "qwen2":
        backend.normalizer = tokenizers.normalizers.NFC()
    backend.add_special_tokens([tokenizers.AddedToken(token, special=True, normalized=False) for token in family.special])
    named = dict(family.named)
    extra = {name: named.pop(name) for name in list(named) if name not in ("bos_token", "eos_token", "pad_token", "unk_token")}
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, chat_template=family.template, extra_special_tokens=extra, **named
    )


def idefics3_model(ids, tile=56, patch=7, scale=2):
    text = transformers.LlamaConfig(
        **DECODER, vocab_size=len(ids), bos_token_id=ids["<|im_start|>"], eos_token_id=ids["<end_of_utterance>"],
        architectures=["VLlama3ForCausalLM"],  # as SmolVLM has it: llama.cpp's converter goes by it
        pad_token_id=ids["<|im_end|>"], tie_word_embeddings=False,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    )
    vision = transformers.models.idefics3.Idefics3VisionConfig(**TOWER, image_size=tile, patch_size=patch)
    config = transformers.Idefics3Config(
        text_config=text, vision_config=vision, scale_factor=scale, image_token_id=ids["<image>"], tie_word_embeddings=False,
        pad_token_id=ids["<|im_end|>"],
    )
    config._attn_implementation = "eager"
    return transformers.Idefics3ForConditionalGeneration(config)


def idefics3_processor(tokenizer, tile=56, patch=7, scale=2):
    images = Idefics3ImageProcessorPil(size={"longest_edge": 2 * tile}, max_image_size={"longest_edge": tile})
    rows = (tile // patch // scale) ** 2
    return transformers.Idefics3Processor(images, tokenizer, image_seq_len=rows, chat_template=tokenizer.chat_template)


def qwen_model(ids):
    config = transformers.Qwen2_5_VLConfig(
        text_config=dict(
            **DECODER, vocab_size=len(ids), bos_token_id=ids["<|endoftext|>"], eos_token_id=ids["<|im_end|>"],
            tie_word_embeddings=True, use_sliding_window=False,
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]},
        ),
        vision_config=dict(
            hidden_size=32, intermediate_size=64, depth=3, num_heads=2, patch_size=14, spatial_merge_size=2,
            temporal_patch_size=2, window_size=112, fullatt_block_indexes=[2], out_hidden_size=64, hidden_act="silu",
        ),
        image_token_id=ids["<|image_pad|>"], video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"], vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )
    config._attn_implementation = "eager"
    return transformers.Qwen2_5_VLForConditionalGeneration(config)


def without_video(processor):
    """The class `processor` without the video processor, which torchvision would be needed for."""

    class WithoutVideo(processor):
        def __init__(self, image_processor, tokenizer, **options):
            super().__init__(image_processor, tokenizer, None, **options)

        def check_argument_for_proper_class(self, name, argument):
            return None if argument is None else super().check_argument_for_proper_class(name, argument)

    return WithoutVideo


def qwen_processor(tokenizer):
    images = Qwen2VLImageProcessorPil(size={"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 16384})
    return without_video(transformers.Qwen2_5_VLProcessor)(images, tokenizer, chat_template=tokenizer.chat_template)


def internvl_model(ids):
    text = transformers.Qwen2Config(
        **DECODER, vocab_size=len(ids), bos_token_id=None, eos_token_id=ids["<|im_end|>"], tie_word_embeddings=True,
        architectures=["Qwen2ForCausalLM"], rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    )
    vision = TOWER | dict(num_hidden_layers=4, image_size=56, patch_size=7, attention_bias=True, hidden_act="gelu")
    config = transformers.InternVLConfig(
        text_config=text, vision_config=vision | {"architectures": ["InternVisionModel"]}, downsample_ratio=0.5,
        image_token_id=ids["<IMG_CONTEXT>"], image_seq_length=16, tie_word_embeddings=True, min_dynamic_patch=1,
        max_dynamic_patch=4,
    )
    config._attn_implementation = "eager"
    return transformers.InternVLForConditionalGeneration(config)


def internvl_processor(tokenizer):
    images = GotOcr2ImageProcessorPil(
        size={"height": 56, "width": 56}, crop_to_patches=True, min_patches=1, max_patches=4,
        image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225],
    )
    processor = without_video(transformers.models.internvl.InternVLProcessor)
    return processor(images, tokenizer, image_seq_length=16, chat_template=tokenizer.chat_template)


def gemma_model(ids):
    text = transformers.Gemma3TextConfig(
        **DECODER, vocab_size=len(ids), bos_token_id=ids["<bos>"], eos_token_id=ids["<eos>"], pad_token_id=ids["<pad>"],
        head_dim=16, query_pre_attn_scalar=16, sliding_window=32, layer_types=["sliding_attention", "full_attention"],
        rope_parameters={
            "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
            "full_attention": {"rope_type": "default", "rope_theta": 1000000.0},
        },
    )
    vision = transformers.SiglipVisionConfig(**TOWER, image_size=112, patch_size=14, vision_use_head=False)
    config = transformers.Gemma3Config(
        text_config=text, vision_config=vision, mm_tokens_per_image=16, image_token_index=ids["<image_soft_token>"],
        boi_token_index=ids["<start_of_image>"], eoi_token_index=ids["<end_of_image>"],
    )
    config._attn_implementation = "eager"
    return transformers.Gemma3ForConditionalGeneration(config)


def gemma_processor(tokenizer):
    images = Gemma3ImageProcessorPil(
        size={"height": 112, "width": 112}, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    return transformers.Gemma3Processor(images, tokenizer, image_seq_length=16, chat_template=tokenizer.chat_template)


FAMILIES = {
    "idefics3": Family(
        pre_tokenizer="smollm",
        special=["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<end_of_utterance>", "<fake_token_around_image>", "<image>"]
        + ["<global-img>"]
        + [f"<row_{row}_col_{column}>" for row in (1, 2) for column in (1, 2)],
        named=dict(bos_token="<|im_start|>", eos_token="<end_of_utterance>", pad_token="<|im_end|>"),
        template=IDEFICS3_TEMPLATE,
        image_token="<image>",
        turn_ends="<end_of_utterance>",
        assistant_prefix=" ",
        exact=["square"],
        model=idefics3_model,
        processor=idefics3_processor,
    ),
    "qwen25vl": Family(
        pre_tokenizer="qwen2",
        special=["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"]
        + ["<|video_pad|>"],
        named=dict(eos_token="<|im_end|>", pad_token="<|endoftext|>"),
        template=QWEN_TEMPLATE,
        image_token="<|image_pad|>",
        turn_ends="<|im_end|>",
        assistant_prefix="",
        exact=["square", "scene", "wide"],
        model=qwen_model,
        processor=qwen_processor,
    ),
    "gemma3": Family(
        pre_tokenizer="gpt-2",
        special=["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<end_of_image>"]
        + ["<image_soft_token>"],
        named=dict(
            bos_token="<bos>", eos_token="<eos>", pad_token="<pad>", boi_token="<start_of_image>",
            eoi_token="<end_of_image>", image_token="<image_soft_token>",
        ),
        template=GEMMA_TEMPLATE,
        image_token="<image_soft_token>",
        turn_ends="<end_of_turn>",
        assistant_prefix="",
        exact=["square"],
        model=gemma_model,
        processor=gemma_processor,
        published_names=(r"^vision_tower\.", "vision_tower.vision_model."),
    ),
    "internvl": Family(
        pre_tokenizer="qwen2",
        special=["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<img>", "</img>", "<IMG_CONTEXT>", "<video>"],
        named=dict(
            eos_token="<|im_end|>", pad_token="<|endoftext|>", start_image_token="<img>", end_image_token="</img>",
            context_image_token="<IMG_CONTEXT>", video_token="<video>",
        ),
        template=INTERNVL_TEMPLATE,
        image_token="<IMG_CONTEXT>",
        turn_ends="<|im_end|>",
        assistant_prefix="",
        exact=["square"],
        model=internvl_model,
        processor=internvl_processor,
        published_names=(r"^(vision_tower|multi_modal_projector)\.", r"model.\1."),
    ),
}
