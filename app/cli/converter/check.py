"""What transformers makes of a few texts: tokens and their log-probabilities, in f32.

    check.py CHECKPOINT TYPE VOCABULARY [ADAPTER]
        {"texts": [{"text", "tokens": [T], "log_probs": [T-1], "rounded": [T-1]}]}

`rounded` are those of the same model with its matrices rounded to TYPE, as a GGUF file of that type holds them: against
them a converted file is measured. Norms and biases stay f32, there as here. Probabilities are those of the first
VOCABULARY tokens: EndoRM leaves the columns out that only pad the output layer, and have no token.
"""
import pathlib
import sys

import outcome

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parent.parent / "gguf-py"))
TEXTS = [
    "The capital of Australia is Canberra. It lies between Sydney and Melbourne, and was founded in 1913 as the seat of "
    "the government.",
    "def mean(values):\n    \"\"\"The arithmetic mean.\"\"\"\n    return sum(values) / len(values)\n\n\nprint(mean([1, 2, 3]))\n",
    "Si l'on ajoute 17,5 et 24,25, on obtient 41,75; d\u00e9j\u00e0 No\u00ebl approche.\n\n\u4eca\u5929\u5929\u6c14\u5f88\u597d\u3002 "
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440! \U0001f642",
    "Question: what is 12 * 12?\nAnswer:   144.\t(12*12 = 144; 12+12 = 24)\n- one\n- two\n  - three\nThat's it, isn't it?",
]


def log_probs(model, tokens, vocabulary):
    """[T-1], of each token but the first."""
    import torch
    with torch.inference_mode():
        logits = model(torch.tensor([tokens])).logits[0, :-1, :vocabulary].double()
    chosen = torch.tensor(tokens[1:]).unsqueeze(1)
    values = torch.log_softmax(logits, -1).gather(1, chosen).squeeze(1)
    if not values.isfinite().all():
        raise outcome.Refused("its log-probabilities are not finite: weights are NaN or too large")
    return values.tolist()


def rounded(weight, type_name):
    import numpy
    import torch
    if type_name in ("bf16", "f16"):
        return weight.to({"bf16": torch.bfloat16, "f16": torch.float16}[type_name]).to(weight.dtype)
    if type_name == "q8_0":
        if weight.shape[-1] % 32 != 0:  # no whole blocks: the converter takes f16 there
            return rounded(weight, "f16")
        import gguf
        kind = gguf.GGMLQuantizationType.Q8_0
        back = gguf.quants.dequantize(gguf.quants.quantize(weight.numpy(), kind), kind)
        return torch.from_numpy(numpy.ascontiguousarray(back)).reshape(weight.shape)
    return weight


def round_weights(model, type_name):
    """In place. Tied matrices are one parameter, and rounded once."""
    import torch
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim > 1 and ".lora_" not in name:
                weight.copy_(rounded(weight.detach().contiguous(), type_name))


def load(checkpoint, adapter):
    import torch
    import transformers
    transformers.logging.set_verbosity_error()
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
    model = transformers.AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32, attn_implementation="eager")
    if adapter:
        import peft
        model = peft.PeftModel.from_pretrained(model, adapter)
    return tokenizer, model.float().eval()


def check(checkpoint, type_name, vocabulary, adapter=None):
    columns = int(vocabulary)
    tokenizer, model = load(checkpoint, adapter)
    texts = [{"text": text, "tokens": tokenizer(text)["input_ids"]} for text in TEXTS]
    for text in texts:
        text["log_probs"] = log_probs(model, text["tokens"], columns)
    if type_name != "f32":
        round_weights(model, type_name)
    for text in texts:
        text["rounded"] = log_probs(model, text["tokens"], columns) if type_name != "f32" else text["log_probs"]
    return {"texts": texts}


if __name__ == "__main__":
    outcome.tell(lambda: check(*sys.argv[1:]))
