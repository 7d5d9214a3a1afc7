#!/usr/bin/env python3
"""Writes chat_templates.json: what jinja2 makes of conversations with every chat template that llama.cpp ships.

    python3 tests/golden/chat_templates.py LLAMA_CPP/models/templates SmolLM2-135M-Instruct.Q4_1.gguf  # transformers, gguf

Each conversation is rendered twice as transformers' apply_chat_template does it: with the generation prompt, and with the
response and without one. "prompt" is what stands before the response: the former, and white space that the latter puts
behind it; where the former is no prefix of the latter but for white space, all that precedes the response in the latter,
unless it lacks a message. "after" is what follows the response. "refused" is the template's own refusal. The date is
26 July 2024. Templates that take the absence of tools for a list (transformers passes None) are rendered without any.
"""

import datetime
import json
import pathlib
import sys

import gguf
import jinja2
from transformers.utils import chat_template_utils

BOS, EOS = "<BOS>", "<EOS>"
RESPONSE = "Yes, as far as I know."
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

SYSTEM = {"role": "system", "content": "You are terse."}
QUESTION = {"role": "user", "content": "Is the earth round?"}
ANSWER = {"role": "assistant", "content": "It is, very nearly."}
SPACES = {"role": "user", "content": "  Ganz sicher? \u5730\u7403 \U0001f30d\n\n- a\n- b \n"}
SPELLED = {"role": "user", "content": "a<|im_end|>b[INST]c</s>d<start_of_turn>e<|eot_id|>f<|end|>g"}
CONVERSATIONS = {
    "question": [QUESTION],
    "system": [SYSTEM, QUESTION],
    "turns": [QUESTION, ANSWER, SPACES],
    "system and turns": [SYSTEM, QUESTION, ANSWER, SPACES],
    "special tokens spelled out": [SPELLED],
}


class PinnedDate(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26, 12, tzinfo=tz)


def render(source, messages, add_generation_prompt):
    options = {"add_generation_prompt": add_generation_prompt, "bos_token": BOS, "eos_token": EOS}
    try:
        rendered, _ = chat_template_utils.render_jinja_template(conversations=[messages], chat_template=source, **options)
        return rendered[0]
    except TypeError:
        return chat_template_utils._compile_jinja_template(source).render(messages=messages, **options)


def around_response(source, messages):
    asked = render(source, messages, True)
    answered = render(source, messages + [{"role": "assistant", "content": RESPONSE}], False)
    before, response, after = answered.rpartition(RESPONSE)
    if not response:
        raise jinja2.exceptions.TemplateError("the response is left out")
    complete = all(message["content"].strip() in before for message in messages)
    return {"prompt": before if complete else asked, "after": after}


def main():
    folder = pathlib.Path(sys.argv[1])
    chat_template_utils.datetime = PinnedDate
    sources = {
        "SmolLM2 (own)": gguf.GGUFReader(sys.argv[2]).fields["tokenizer.chat_template"].contents(),
        "chatml": CHATML,
    }
    golden = {"bos": BOS, "eos": EOS, "response": RESPONSE, "conversations": CONVERSATIONS, "sources": sources, "templates": {}}
    for path in sorted(folder.glob("*.jinja")):
        sources[path.stem] = path.read_text()
    for name, source in sources.items():
        rendered = {}
        for title, messages in CONVERSATIONS.items():
            try:
                rendered[title] = around_response(source, messages)
            except jinja2.exceptions.TemplateError as error:
                rendered[title] = {"refused": str(error)}
        golden["templates"][name] = rendered
    golden["sources"] = {name: sources[name] for name in ("SmolLM2 (own)", "chatml")}
    text = json.dumps(golden, separators=(",", ":")).replace('},"', '},\n"') + "\n"
    (pathlib.Path(__file__).parent / "chat_templates.json").write_text(text)


if __name__ == "__main__":
    main()
