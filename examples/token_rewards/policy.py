"""A policy for the examples beside this file: a checkpoint of yours, or EndoRM's default model, from its own file."""

import argparse
import pathlib

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import endorm

PROMPTS = ["Name a colour.", "Name a city.", "What is two plus two?", "Say hello to my friend."]


def arguments(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m", help="what gives the rewards: of the policy's vocabulary")
    parser.add_argument("--policy", help="a directory of transformers; without it the model's own weights")
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=16, help="of a completion, at most")
    return parser


def load(path, engine):
    """(the policy in f32, its tokenizer). Without a path the engine's own file is read, which needs the package gguf."""
    more = {}
    if path is None:
        file = pathlib.Path(engine.model_file)
        path, more = str(file.parent), {"gguf_file": file.name}
    policy = AutoModelForCausalLM.from_pretrained(path, **more, dtype=torch.float32)
    if more:  # trainers take it for quantized, which it is no more
        plain = AutoModelForCausalLM.from_config(policy.config)
        plain.load_state_dict(policy.state_dict())
        plain.generation_config = policy.generation_config
        policy = plain
    return policy, AutoTokenizer.from_pretrained(path, **more, padding_side="left")


def judge(name):
    return endorm.Engine(name)
