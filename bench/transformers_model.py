"""A model as transformers runs it fastest on a processor: large tensors stay with the process, sdpa attention."""

import argparse
import ctypes

libc = ctypes.CDLL("libc.so.6")
libc.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD: without these two, glibc gives every large tensor back to the kernel
libc.mallopt(-1, 1 << 30)  # M_TRIM_THRESHOLD

import torch  # noqa: E402
import transformers  # noqa: E402


def arguments_of(*more):
    parser = argparse.ArgumentParser()
    for name in ("--model", "--dtype", "--threads", *more):
        parser.add_argument(name, required=True)
    return parser.parse_args()


def load(arguments):
    """The model of --model (what from_pretrained reads), --dtype and --threads, without gradients."""
    torch.set_num_threads(int(arguments.threads))
    torch.set_grad_enabled(False)
    torch.manual_seed(0)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    return transformers.AutoModelForCausalLM.from_pretrained(
        arguments.model, dtype=getattr(torch, arguments.dtype), attn_implementation="sdpa"
    ).eval()


def response_log_probs(model, sequences):
    """log pi of the response tokens of each (tokens of the prompt, tokens of both), in one batch; logits of the rows that
    are scored alone. Padding stands at the right, where no scored token sees it."""
    longest = max(len(tokens) for _, tokens in sequences)
    first = min(prompt for prompt, _ in sequences)
    ids = torch.tensor([tokens + [0] * (longest - len(tokens)) for _, tokens in sequences])
    logits = model(ids, logits_to_keep=longest - first + 1, use_cache=False).logits[:, :-1]
    values = logits.gather(2, ids[:, first:, None])[..., 0].float() - logits.float().logsumexp(2)
    return [row[prompt - first : len(tokens) - first] for row, (prompt, tokens) in zip(values.double(), sequences, strict=True)]
