"""Fetches a checkpoint from the hub into the hub's own cache.

    hub.py ORG/REPO weights|no-weights online|offline     {"folder"}
"""
import os
import sys

import outcome

SMALL = ["*.json", "*.jinja", "*.txt", "tokenizer.model", "*.tiktoken", "README.md"]
WEIGHTS = ["*.safetensors", "pytorch_model*.bin", "adapter_model.bin"]


def fetch(repository, weights, network):
    os.environ["HF_HUB_OFFLINE"] = "1" if network == "offline" else os.environ.get("HF_HUB_OFFLINE", "0")
    from huggingface_hub import snapshot_download
    patterns = SMALL + (WEIGHTS if weights == "weights" else [])
    try:  # subfolders hold other forms of the same weights (original/, onnx/)
        return {"folder": snapshot_download(repository, allow_patterns=patterns, ignore_patterns=["*/*"])}
    except Exception as error:
        raise outcome.WorldFailed(outcome.spelled(error)) from error


if __name__ == "__main__":
    outcome.tell(lambda: fetch(*sys.argv[1:]))
