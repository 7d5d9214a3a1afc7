"""Twenty conversations for smollm2_conversations.py, our own text. Each: (messages, response, truncated)."""


def chat(*turns, system=None):
    """Turns alternate user, assistant, user, ..."""
    messages = [{"role": "system", "content": system}] if system else []
    for number, text in enumerate(turns):
        messages.append({"role": "assistant" if number % 2 else "user", "content": text})
    return messages


CONVERSATIONS = [
    (chat("What is the capital of France?"), "The capital of France is Paris.", False),
    (
        chat("Why is the sky blue?"),
        "Air scatters short wavelengths of sunlight more than long ones, so blue light reaches us from every part of the sky "
        "while red light mostly passes straight through.",
        False,
    ),
    (
        chat("What is 17 * 23?", system="You are a careful arithmetic tutor. Show one line of work."),
        "17 * 23 = 17 * 20 + 17 * 3 = 340 + 51 = 391.",
        False,
    ),
    (
        chat("Write a Python function that returns the n-th Fibonacci number."),
        "```python\ndef fibonacci(n):\n    a, b = 0, 1\n    for _ in range(n):\n        a, b = b, a + b\n    return a\n```\n\n"
        "It runs in O(n) time and keeps only two numbers.",
        False,
    ),
    (
        chat("List three things to pack for a rainy hike."),
        "1. A light rain jacket with a hood.\n2. A dry bag for your phone and a map.\n3. Spare wool socks, because wet feet "
        "blister quickly.",
        False,
    ),
    (
        chat(
            "My name is Ada and I keep bees.",
            "Nice to meet you, Ada! How many hives do you have?",
            "Four. What should I check in early spring?",
        ),
        "Check that each colony still has a laying queen, enough honey to last until the first flowers, and no damp inside "
        "the hive.",
        False,
    ),
    (
        chat(
            "Translate 'good morning' to Spanish.",
            "Buenos d\u00edas.",
            "And 'see you tomorrow'?",
            system="You are a translator. Answer with the translation only.",
        ),
        "Hasta ma\u00f1ana.",
        False,
    ),
    (
        chat("How do you say thank you in Japanese, and how is it written?"),
        "You say \"arigat\u014d\". It is written \u3042\u308a\u304c\u3068\u3046, or more politely "
        "\u3042\u308a\u304c\u3068\u3046\u3054\u3056\u3044\u307e\u3059.",
        False,
    ),
    (
        chat("Tell me a story about a lighthouse keeper."),
        "Every evening at seven, old Marten climbed the two hundred and twelve steps of the tower, a can of oil in one hand "
        "and a letter he never sent in the oth",
        True,
    ),
    (
        chat("Is it safe to mix bleach and vinegar for cleaning?", system="You are a household safety assistant."),
        "No. Mixing bleach with vinegar releases chlorine gas, which can harm your lungs even in small amounts. Use one, rinse "
        "well, and open a window.",
        False,
    ),
    (
        chat(
            "Give me a haiku about winter.",
            "Snow on the old fence,\na sparrow writes with its feet\nand the wind erases.",
            "Now one about summer.",
        ),
        "Noon sleeps on the stones,\ncicadas stitch the hot air\nto the silent hills.",
        False,
    ),
    (
        chat("Fix the bug: for (int i = 0; i <= n; i++) sum += a[i];"),
        "The loop reads one element past the end. Use `i < n`:\n\n```c\nfor (int i = 0; i < n; i++) {\n    sum += a[i];\n}\n```",
        False,
    ),
    (
        chat("What does the word 'na\u00efve' mean?", system="Answer in one sentence."),
        "Someone na\u00efve trusts too easily because they lack experience \u2014 a bit like a tourist who pays the first price "
        "asked.",
        False,
    ),
    (
        chat("I feel nervous before my exam tomorrow \U0001F61F"),
        "That is completely normal! Review your notes once more, then stop early and sleep well. You know more than you think "
        "\U0001F340",
        False,
    ),
    (
        chat(
            "A train leaves at 14:35 and arrives at 17:10. How long is the trip?",
            "It takes 2 hours and 35 minutes.",
            "And if it is 20 minutes late?",
            "Then it arrives at 17:30, so the trip takes 2 hours and 55 minutes.",
            "How many minutes is that?",
        ),
        "2 hours and 55 minutes is 2 * 60 + 55 = 175 minutes.",
        False,
    ),
    (
        chat("Name the primary colors.", system="You are a pirate. Always talk like one."),
        "Arr, matey! The primary colors be red, yellow and blue, as true as the tide.",
        False,
    ),
    (
        chat(
            "What is photosynthesis?",
            "It is how plants turn light, water and carbon dioxide into sugar and oxygen.",
            "Explain it to a five year old.",
            system="You are a friendly science teacher.",
        ),
        "Imagine a leaf is a tiny kitchen. The sun is the stove, water and air are the ingredients, and the plant cooks sugar "
        "to eat. The kitchen breathes out the air that we need!",
        False,
    ),
    (chat("Who wrote Hamlet?"), "Purple seventeen, the ladder sings under carbonated Tuesdays.", False),
    (
        chat("Return a JSON object with the keys name and age for a person called Li Wei who is 31."),
        '{\n  "name": "Li Wei",\n  "age": 31\n}',
        False,
    ),
    (chat("Say yes."), "Yes.", False),
]
