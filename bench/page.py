"""What the pages of all benches have: tables, and the machine in words."""

import os
import pathlib
import platform
import sys

FEATURES = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")


def machine():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    facts = {name.strip(): value.strip() for name, value in facts.items()}
    flags = facts.get("flags", "").split()
    model = facts.get("model name", platform.processor() or platform.machine())
    family = f" (family {facts['cpu family']}, model {facts['model']})" if "cpu family" in facts else ""
    return f"{model}{family}, {os.cpu_count()} cores, {' '.join(f for f in FEATURES if f in flags) or 'no vector features known'}"


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def named(row):
    """Who is measured in a row, ours in bold."""
    name = f"{row['engine']} {row['precision']}"
    return f"**{name}**" if row["engine"] == "ours" else name


def say(text, end="\n"):
    print(text, end=end, file=sys.stderr, flush=True)
