#!/usr/bin/env python3
"""Keeps docs/commands/: a page for each subcommand, its --help below a part that people write.

    command_pages.py --write --endorm PATH    writes the --help of every subcommand anew
    command_pages.py --check --endorm PATH    fails where a page is missing or is not what the binary says

Everything above the marker survives --write.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys

PAGES = pathlib.Path(__file__).resolve().parents[2] / "docs/commands"
MARKER = "<!-- Below: written by tests/cli/command_pages.py (./run docs) from --help. -->"


def help_of(endorm, words):
    done = subprocess.run([endorm, *words, "--help"], capture_output=True, text=True, check=True,
                          env=dict(os.environ, LC_ALL="C.UTF-8"))
    text = re.sub(r"\n{3,}", "\n\n", done.stdout).rstrip()
    if str(endorm.parent) in text or str(pathlib.Path.home()) in text:
        raise SystemExit(f"endorm {' '.join(words)} --help names a path of this machine")
    return text


def subcommands(text):
    """Names in the list below "Subcommands:"."""
    listed = re.search(r"^Subcommands:\n((?:  .*\n)*)", text + "\n", re.M)
    return re.findall(r"^  ([a-z]\w*)", listed.group(1), re.M) if listed else []


def keys_of(name, endorm, found):
    """The keys of the configuration that a command reads; what the page has, where this build cannot tell."""
    if name != "rl":
        return []
    done = subprocess.run([endorm, name, "--keys"], capture_output=True, text=True)
    kept = re.search(r"## endorm rl --keys\n\n```toml\n(.*?)\n```", found, re.S)
    text = done.stdout.strip() if done.returncode == 0 else kept.group(1) if kept else ""
    return [f"## endorm {name} --keys\n\n```toml\n{text}\n```\n"]


def page(name, endorm, before, found):
    parts = []
    texts = [((name,), help_of(endorm, [name]))]
    texts += [((name, inner), help_of(endorm, [name, inner])) for inner in subcommands(texts[0][1])]
    for words, text in texts:
        parts.append(f"## endorm {' '.join(words)} --help\n\n```text\n{text}\n```\n")
    parts += keys_of(name, endorm, found)
    return f"{before.rstrip()}\n\n{MARKER}\n\n" + "\n".join(parts)


def main():
    parser = argparse.ArgumentParser()
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true")
    action.add_argument("--check", action="store_true")
    parser.add_argument("--endorm", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    endorm = arguments.endorm.resolve()
    names = subcommands(help_of(endorm, []))
    assert names, "endorm --help lists no subcommands"
    faults = [f"docs/commands/{path.name}: there is no such subcommand" for path in sorted(PAGES.glob("*.md"))
              if path.stem not in names]
    for name in names:
        path = PAGES / f"{name}.md"
        found = path.read_text() if path.exists() else ""
        before, marker, _ = found.partition(MARKER)
        wanted = page(name, endorm, before or f"# endorm {name}\n", found)
        if not wanted.isascii():
            faults.append(f"endorm {name} --help is not ASCII")
        if arguments.write:
            PAGES.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted)
        elif found != wanted:
            faults.append(f"docs/commands/{name}.md is not what `endorm {name} --help` says: run ./run docs")
        elif not marker or f"# endorm {name}\n" not in before or "```console" not in before:
            faults.append(f"docs/commands/{name}.md has no title or no worked example above the marker")
    for fault in faults:
        print(fault)
    if not faults:
        print(f"docs/commands: {len(names)} pages agree with --help")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
