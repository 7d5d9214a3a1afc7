#!/usr/bin/env python3
"""Writes chat_templates.json: what transformers makes of conversations with every chat template that llama.cpp ships.

    python3 tests/golden/chat_templates.py LLAMA_CPP/models/templates SmolLM2-135M-Instruct.Q4_1.gguf  # transformers, gguf

Each case is a conversation with what a template reads beside it, rendered by a tokenizer's apply_chat_template: "open" with
the generation prompt (or, where the last message is the assistant's, with continue_final_message); the others with one of
ANSWERS behind it and no generation prompt. Templates that take the absence of tools for a list (transformers passes None)
are rendered without any.

In the file, a rendering is [n, t]: the first n bytes of the case's "open" rendering, then "texts"[t]; or a number: the t of
the template's refusal. A text is a string, or [bytes, first 32 digits of its SHA-256, its end] where it is long. An entry
"..., arguments as text" stands where the calls' arguments as text change the rendering.
"""

import datetime
import hashlib
import json
import pathlib
import sys

import gguf
import jinja2
import tokenizers
import transformers
from transformers.utils import chat_template_utils

BOS, EOS = "<BOS>", "<EOS>"
RESPONSE = "Yes, as far as I know."
REASONING = "The user asks.\n\nI know <it>."
LONGEST = 500
END = 100
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

SYSTEM = {"role": "system", "content": "You are terse."}
QUESTION = {"role": "user", "content": "Is the earth round?"}
ANSWER = {"role": "assistant", "content": "It is, very nearly."}
SPACES = {"role": "user", "content": "  Ganz sicher? \u5730\u7403 \U0001f30d\n\n- a\n- b \n"}
SPELLED = {"role": "user", "content": "a<|im_end|>b[INST]c</s>d<start_of_turn>e<|eot_id|>f<|end|>g"}


def function(name, description, properties, required):
    parameters = {"type": "object", "properties": properties, "required": required}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


CITY = {"type": "string", "description": "The city's name, e.g. \"K\u00f6ln\""}
UNIT = {"type": "string", "enum": ["celsius", "fahrenheit"]}
DAYS = {"type": "array", "items": {"type": "integer"}}
WEATHER = function("get_weather", "Weather in a <city>", {"city": CITY, "unit": UNIT}, ["city"])
FORECAST = function("forecast", "Weather on days", {"city": CITY, "days": DAYS}, ["city", "days"])


def call(name, arguments, number):
    return {"id": f"call{number:05}", "type": "function", "function": {"name": name, "arguments": arguments}}


def calls(content, *called):
    return {"role": "assistant", "content": content, "tool_calls": list(called)}


KOELN = call("get_weather", {"city": "K\u00f6ln", "unit": "celsius"}, 1)
PARIS = call("get_weather", {"city": "Paris </s> 'x' \"y\"\n"}, 1)
DAYS_IN_ROME = call("forecast", {"city": "Rome", "days": [1, 20], "exact": True, "at": 0.5, "of": None, "in": {"a": {}}}, 2)


def result(content, name, number):
    return {"role": "tool", "name": name, "tool_call_id": f"call{number:05}", "content": content}


SUN = result('{"sky": "clear <|im_end|>", "degrees": 21}', "get_weather", 1)
RAIN = result("rain", "forecast", 2)
ASKED = {"role": "user", "content": "What is the weather in K\u00f6ln?"}
AND_PARIS = {"role": "user", "content": "And in Paris?"}
TOLD = {"role": "assistant", "content": "Clear, 21 degrees."}


def reasoned(name):
    return [QUESTION, {**ANSWER, name: REASONING}, SPACES]


CASES = {
    "question": {"messages": [QUESTION]},
    "system": {"messages": [SYSTEM, QUESTION]},
    "turns": {"messages": [QUESTION, ANSWER, SPACES]},
    "system and turns": {"messages": [SYSTEM, QUESTION, ANSWER, SPACES]},
    "special tokens spelled out": {"messages": [SPELLED]},
    "one tool": {"messages": [ASKED], "arguments": {"tools": [WEATHER]}},
    "two tools and system": {"messages": [SYSTEM, ASKED], "arguments": {"tools": [WEATHER, FORECAST]}},
    "call and result": {"messages": [ASKED, calls(None, KOELN), SUN], "arguments": {"tools": [WEATHER]}},
    "call without content": {"messages": [ASKED, calls("", KOELN), SUN], "arguments": {"tools": [WEATHER]}},
    "call, result and question": {
        "messages": [SYSTEM, ASKED, calls("Let me look.", KOELN), SUN, TOLD, AND_PARIS],
        "arguments": {"tools": [WEATHER, FORECAST]},
    },
    "two calls": {
        "messages": [ASKED, calls("", PARIS, DAYS_IN_ROME), SUN, RAIN],
        "arguments": {"tools": [WEATHER, FORECAST]},
    },
    "reasoning_content": {"messages": reasoned("reasoning_content")},
    "reasoning": {"messages": reasoned("reasoning")},
    "thinking": {"messages": reasoned("thinking")},
    "reasoning, call and result": {
        "messages": [ASKED, {**calls("", KOELN), "reasoning_content": REASONING}, SUN],
        "arguments": {"tools": [WEATHER]},
    },
    "enable_thinking false": {"messages": [SYSTEM, QUESTION], "arguments": {"enable_thinking": False}},
    "enable_thinking true": {"messages": [SYSTEM, QUESTION], "arguments": {"enable_thinking": True}},
    "reasoning_effort high": {"messages": [QUESTION], "arguments": {"reasoning_effort": "high"}},
    "continued": {"messages": [QUESTION, {"role": "assistant", "content": "It is,"}]},
    "continued behind a space": {"messages": [SYSTEM, QUESTION, ANSWER, QUESTION, {"role": "assistant", "content": "It is, "}]},
    "continued reasoning": {"messages": [QUESTION, {"role": "assistant", "content": "<think>\nIt is"}]},
    "another date": {"messages": [QUESTION], "date": "2031-02-03"},
}
ANSWERS = {
    "answer": {"role": "assistant", "content": RESPONSE},
    "reasoned": {"role": "assistant", "content": RESPONSE, "reasoning_content": REASONING},
    "called": calls(None, {**PARIS, "id": "call00003"}),
    "reasoned and called": {**calls("", {**PARIS, "id": "call00003"}, {**DAYS_IN_ROME, "id": "call00004"}), "reasoning_content": REASONING},
}


class PinnedDate(datetime.datetime):
    today = "2024-07-26"

    @classmethod
    def now(cls, tz=None):
        return cls.fromisoformat(cls.today).replace(hour=12, tzinfo=tz)


def with_text_arguments(messages):
    """The calls' arguments as OpenAI's interface has them: the text of an object."""
    def as_text(called):
        arguments = json.dumps(called["function"]["arguments"], ensure_ascii=False)
        return {**called, "function": {**called["function"], "arguments": arguments}}

    return [m | {"tool_calls": [as_text(c) for c in m["tool_calls"]]} if "tool_calls" in m else m for m in messages]


class Renderer:
    def __init__(self):
        words = tokenizers.Tokenizer(tokenizers.models.WordLevel({BOS: 0, EOS: 1}))
        self.tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=words, bos_token=BOS, eos_token=EOS)
        self.texts = {}

    def render(self, source, messages, add_generation_prompt, arguments):
        """The rendering, and True; or the refusal, and False."""
        continued = messages[-1]["role"] == "assistant" and add_generation_prompt
        options = {"add_generation_prompt": add_generation_prompt and not continued, **arguments}
        try:
            try:
                return self.tokenizer.apply_chat_template(
                    messages, chat_template=source, tokenize=False, continue_final_message=continued, **options
                ), True
            except TypeError:
                if continued or "tools" in options:
                    raise
                template = chat_template_utils._compile_jinja_template(source)
                held = [{name: value for name, value in message.items() if value is not None} for message in messages]
                return template.render(messages=held, bos_token=BOS, eos_token=EOS, **options), True
        except Exception as error:  # a template may run into anything
            return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}", False

    def text(self, text):
        short = text
        if len(text) > LONGEST:
            data = text.encode()
            short = (len(data), hashlib.sha256(data).hexdigest()[:32], text[-END:])
        return self.texts.setdefault(short, len(self.texts))

    def entry(self, rendered, opened=""):
        text, accepted = rendered
        if not accepted:
            return self.text(text)
        shared = next((i for i, (a, b) in enumerate(zip(text, opened)) if a != b), min(len(text), len(opened)))
        return [len(text[:shared].encode()), self.text(text[shared:])]

    def case(self, source, messages, arguments, answers):
        opened = self.render(source, messages, True, arguments)
        entries = {"open": self.entry(opened)}
        if messages[-1]["role"] != "assistant":
            for name, answer in answers.items():
                rendered = self.render(source, messages + [answer], False, arguments)
                entries[name] = self.entry(rendered, opened[0] if opened[1] else "")
        return entries

    def cases(self, source):
        rendered = {}
        for title, case in CASES.items():
            PinnedDate.today = case.get("date", "2024-07-26")
            if "date" in case and "strftime_now" not in source:
                continue
            arguments = case.get("arguments", {})
            entries = self.case(source, case["messages"], arguments, ANSWERS)
            texts = dict(zip(ANSWERS, with_text_arguments(list(ANSWERS.values()))))
            as_text = self.case(source, with_text_arguments(case["messages"]), arguments, texts)
            entries.update({name + ", arguments as text": entry for name, entry in as_text.items() if entry != entries[name]})
            rendered[title] = entries
        return rendered


def main():
    folder = pathlib.Path(sys.argv[1])
    chat_template_utils.datetime = PinnedDate
    own = {
        "SmolLM2 (own)": gguf.GGUFReader(sys.argv[2]).fields["tokenizer.chat_template"].contents(),
        "chatml": CHATML,
    }
    sources = own | {path.stem: path.read_text() for path in sorted(folder.glob("*.jinja"))}
    renderer = Renderer()
    templates = {name: renderer.cases(source) for name, source in sources.items()}
    golden = {
        "transformers": transformers.__version__,
        "jinja2": jinja2.__version__,
        "bos": BOS,
        "eos": EOS,
        "cases": CASES,
        "answers": ANSWERS,
        "sources": own,
        "templates": templates,
        "texts": list(renderer.texts),
    }
    text = json.dumps(golden, separators=(",", ":")).replace('},"', '},\n"').replace('",["', '",\n["') + "\n"
    (pathlib.Path(__file__).parent / "chat_templates.json").write_text(text)


if __name__ == "__main__":
    main()
