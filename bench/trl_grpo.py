#!/usr/bin/env python3
"""TRL's GRPOTrainer as a contender: trl_grpo.py SPEC, a file of JSON that bench/rl_speed.py writes. Prints a line of JSON.

{"do": "check", "sequences": [{"prompt": text, "completion": [tokens], "advantage": number}], ...}: log-probabilities of
the completions, the loss of a step on them and the norm of its gradient, by the trainer's own functions.
{"do": "run", "steps": n, ...}: seconds of every step, of its rollout and its update, processor seconds, tokens drawn, and
the highest resident set of the process.

Set up as it is fastest on a processor: memory stays with the process (mallopt), sdpa attention, fused AdamW, no
checkpointing of activations, no reference model (beta = 0), one rollout for each step.
"""

import ctypes
import json
import resource
import sys
import tempfile
import time

libc = ctypes.CDLL("libc.so.6")
libc.mallopt(-4, 0)  # M_MMAP_MAX: without these two, glibc gives every large tensor back to the kernel
libc.mallopt(-1, -1)  # M_TRIM_THRESHOLD

import datasets  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
import trl  # noqa: E402


def reward(completions, answer, **_):
    """1 where the last \\boxed{} holds the answer."""
    texts = [completion[0]["content"] for completion in completions]
    found = [text.rpartition("\\boxed{")[2].partition("}")[0] if "\\boxed{" in text else "" for text in texts]
    return [float(one.strip() == right) for one, right in zip(found, answer, strict=True)]


def make_trainer(spec, folder):
    tokenizer = transformers.AutoTokenizer.from_pretrained(spec["tokenizer"]["folder"], gguf_file=spec["tokenizer"]["file"])
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    model = transformers.AutoModelForCausalLM.from_pretrained(
        spec["model"], dtype=torch.float32, attn_implementation="sdpa"
    )
    rows = [{"prompt": [{"role": "user", "content": row["prompt"]}], "answer": row["answer"]} for row in spec["data"]]
    at_once, all_of_step = spec["at_once"], len(rows) * spec["group"]
    config = trl.GRPOConfig(
        output_dir=folder,
        use_cpu=True,
        bf16=spec["bf16"],
        fp16=False,
        per_device_train_batch_size=at_once,
        gradient_accumulation_steps=all_of_step // at_once,
        num_generations=spec["group"],
        max_completion_length=spec["max_tokens"],
        max_steps=spec["steps"],
        temperature=1.0,
        top_p=1.0,
        top_k=0,
        beta=0.0,
        epsilon=0.2,
        num_iterations=1,
        loss_type="dapo",  # the mean over the tokens of the step
        learning_rate=spec["learning_rate"],
        lr_scheduler_type="constant",
        adam_beta2=0.95,
        weight_decay=0.0,
        max_grad_norm=1.0,
        optim="adamw_torch_fused",
        gradient_checkpointing=False,
        shuffle_dataset=False,
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
        seed=spec["seed"],
    )
    data = datasets.Dataset.from_list(rows * spec["steps"])
    return trl.GRPOTrainer(model, reward, config, train_dataset=data, processing_class=tokenizer)


def padded(rows, left, fill):
    longest = max(map(len, rows))
    full = [[fill] * (longest - len(row)) + row if left else row + [fill] * (longest - len(row)) for row in rows]
    mask = [[0] * (longest - len(row)) + [1] * len(row) if left else [1] * len(row) + [0] * (longest - len(row)) for row in rows]
    return torch.tensor(full), torch.tensor(mask)


def check(trainer, spec):
    tokenizer, sequences = trainer.processing_class, spec["sequences"]
    tokens = sum(len(sequence["completion"]) for sequence in sequences)
    trainer.model.train()
    trainer.current_gradient_accumulation_steps = trainer.args.steps_per_generation
    log_probs, loss = [], 0.0
    for first in range(0, len(sequences), spec["at_once"]):
        some = sequences[first : first + spec["at_once"]]
        prompts = []
        for sequence in some:
            messages = [{"role": "user", "content": sequence["prompt"]}]
            text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
            prompts.append(tokenizer(text, add_special_tokens=False)["input_ids"])
        prompt_ids, prompt_mask = padded(prompts, True, tokenizer.pad_token_id)
        completion_ids, completion_mask = padded([one["completion"] for one in some], False, tokenizer.pad_token_id)
        inputs = {"prompt_ids": prompt_ids, "prompt_mask": prompt_mask, "completion_ids": completion_ids}
        inputs |= {"completion_mask": completion_mask, "num_items_in_batch": torch.tensor(float(tokens))}
        inputs["advantages"] = torch.tensor([one["advantage"] for one in some])
        part = trainer._compute_loss(trainer.model, inputs)
        part.backward()
        loss += part.item()
        with torch.no_grad():
            whole = torch.cat([prompt_ids, completion_ids], 1)
            mask = torch.cat([prompt_mask, completion_mask], 1)
            found, _, _ = trainer._get_per_token_logps_and_entropies(trainer.model, whole, mask, completion_ids.size(1))
        log_probs += [row[: len(one["completion"])].tolist() for row, one in zip(found, some, strict=True)]
    squares = sum(float(parameter.grad.double().square().sum()) for parameter in trainer.model.parameters())
    return {"log_probs": log_probs, "loss": loss, "gradient_norm": squares**0.5}


class Clock(transformers.TrainerCallback):
    """Times steps, and the generation inside them."""

    def __init__(self):
        self.steps, self.rollout, self.tokens = [], 0.0, 0

    def watch(self, trainer):
        generate = trainer._generate_single_turn

        def timed(*arguments, **named):
            begin = time.perf_counter()
            found = generate(*arguments, **named)
            self.rollout += time.perf_counter() - begin
            self.tokens += sum(map(len, found[0]))
            return found

        trainer._generate_single_turn = timed

    def on_step_begin(self, *_, **__):
        self.begin, self.processor = time.perf_counter(), time.process_time()
        self.rollout, self.tokens = 0.0, 0

    def on_step_end(self, *_, **__):
        seconds = time.perf_counter() - self.begin
        step = {"seconds": seconds, "rollout": self.rollout, "update": seconds - self.rollout, "tokens": self.tokens}
        self.steps.append(step | {"processor": time.process_time() - self.processor})


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        spec = json.load(file)
    torch.set_num_threads(spec["threads"])
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(spec, folder)
        if spec["do"] == "check":
            result = check(trainer, spec)
        else:
            clock = Clock()
            clock.watch(trainer)
            trainer.add_callback(clock)
            trainer.train()
            result = {"steps": clock.steps}
    result["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(result), flush=True)


main()
