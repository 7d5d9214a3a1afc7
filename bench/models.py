"""The models of the bench: their files in every type, what transformers reads, and the work that a token is."""

import dataclasses
import functools
import pathlib
import subprocess

import gguf

from random_qwen import write_random_qwen


def save_for_transformers(file, folder, dtype):
    """The numbers of a GGUF file in transformers' own format, which every start reads quickly; saved once, whole."""
    if folder.exists():
        return
    import torch
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    # Its weights are plain numbers by now; what it remembers of the file forbids to save it.
    model.hf_quantizer = None
    model.config.__dict__.pop("quantization_config", None)
    unfinished = folder.with_suffix(".unfinished")
    model.to(getattr(torch, dtype)).save_pretrained(unfinished)
    unfinished.rename(folder)


@dataclasses.dataclass
class Model:
    name: str
    source: pathlib.Path  # the GGUF file that all others are written from
    folder: pathlib.Path  # where they lie
    programs: pathlib.Path

    def file(self, weights):
        """The GGUF file with every weight in one type."""
        path = self.folder / f"{self.name}-{weights}.gguf"
        if not path.exists():
            command = [self.programs / "write_model", "--from", self.source, "--type", weights, "--to", path]
            subprocess.run(command, check=True)
        return path

    def transformers_folder(self, dtype):
        """The f32 file as transformers reads it."""
        folder = self.folder / f"{self.name}-transformers-{dtype}"
        save_for_transformers(self.file("f32"), folder, dtype)
        return folder


class Work:
    """Floating-point operations that a workload needs, whoever computes it: 2 a weight of every matrix for every token,
    the output layer for scored tokens alone, and 4 a head's width for every pair of tokens that attend."""

    def __init__(self, path):
        reader = gguf.GGUFReader(path)
        architecture = reader.fields["general.architecture"].contents()

        def number(key, default=None):
            field = reader.fields.get(f"{architecture}.{key}")
            return default if field is None else field.contents()

        sizes = {tensor.name: tensor for tensor in reader.tensors}
        matrices = [t for name, t in sizes.items() if name.startswith("blk.") and len(t.shape) > 1]
        self.layer_weights = sum(int(tensor.n_elements) for tensor in matrices)
        self.head_weights = int(sizes.get("output.weight", sizes["token_embd.weight"]).n_elements)
        self.layers = number("block_count")
        heads = number("attention.head_count")
        self.attention_width = heads * number("attention.key_length", number("embedding_length") // heads)
        self.window = number("attention.sliding_window")
        self.full_layers = self.layers // 6 if self.window else self.layers  # Gemma 3: one layer in six sees all

    def pairs(self, begin, end, window):
        """Pairs of tokens that attend, for tokens at the places [begin, end)."""
        if window is None or end <= window:
            return (end * (end + 1) - begin * (begin + 1)) // 2
        middle = max(begin, min(end, window))
        return self.pairs(begin, middle, None) + (end - middle) * window

    def span(self, begin, end):
        full, windowed = self.pairs(begin, end, None), self.pairs(begin, end, self.window)
        attention = 4 * self.attention_width * (self.full_layers * full + (self.layers - self.full_layers) * windowed)
        return 2 * self.layer_weights * (end - begin) + attention

    def flops(self, workload, shared):
        total = 0
        for prompt in workload["prompts"]:
            length = len(prompt["prompt"])
            times = 1 if shared else len(prompt["responses"])
            total += times * self.span(0, length)
            for response in prompt["responses"]:
                total += self.span(length, length + len(response)) + 2 * self.head_weights * len(response)
        return total


def known_models(folder, programs, endorm):
    def fetched(name):
        done = subprocess.run([endorm, "models", "fetch", name], check=True, stdout=subprocess.PIPE, text=True)
        return Model(name, pathlib.Path(done.stdout.strip().splitlines()[-1]), folder, programs)

    def qwen():
        path = folder / "qwen2.5-0.5b-shape-bf16.gguf"
        if not path.exists():
            unfinished = path.with_suffix(".unfinished")
            vocabularies = pathlib.Path((programs / "vocabularies.txt").read_text().strip())
            write_random_qwen(vocabularies / "ggml-vocab-qwen2.gguf", unfinished)
            unfinished.rename(path)
        return Model("qwen2.5-0.5b-shape", path, folder, programs)

    names = ("smollm2-135m", "gemma3-270m-base")
    return {name: functools.partial(fetched, name) for name in names} | {"qwen2.5-0.5b-shape": qwen}
