#!/usr/bin/env python3
"""clang-tidy over the rooms: scripts/tidy.py BUILD [FILE...]; without files, every source of every room.

BUILD is configured with CMAKE_UNITY_BUILD. The sources that CMake joins are joined here too, as one text, so that their
headers are read once: the static analyzer looks only at functions that stand in the main file, which those of an
included source do not. With files, the joined texts that hold them are checked. Findings name our own files and lines;
the exit status is 1 if there is one.
"""
import bisect
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# app/python is left out: its library's headers come with Python's packages.
ROOMS = re.compile(r"(core|engine|score|judge|grade|eval|train|lab|report|app)/(?!python/).*\.cpp$")
# What GCC needs and clang does not know, and how many states the analyzer follows in a function: with its default of
# 225,000 a few long ones take most of the time.
REMOVED = re.compile(r" -Wno-(maybe-uninitialized|restrict|subobject-linkage)\b")
ANALYZER = " -Xclang -analyzer-config -Xclang max-nodes=40000"


class Joined:
    """One text for clang-tidy: the sources of a unity file of CMake's, or a source by itself."""

    def __init__(self, entry, directory):
        given = pathlib.Path(entry["file"])
        unity = "/Unity/" in entry["file"]
        self.sources = [pathlib.Path(source) for source in re.findall(r'#include "(.*)"', given.read_text())] if unity else [given]
        relative = os.path.relpath(given, directory.parent if unity else ROOT)
        self.path = directory / (re.sub(r"\W+", "_", relative) + ".cpp")
        command = REMOVED.sub("", entry["command"]).replace(entry["file"], str(self.path)) + ANALYZER
        self.entry = {"directory": entry["directory"], "file": str(self.path), "command": command}

    def write(self):
        self.first_lines = []
        line, texts = 1, []
        for source in self.sources:
            text = source.read_text().rstrip("\n") + "\n"
            self.first_lines.append(line)
            line += text.count("\n")
            texts.append(text)
        self.path.write_text("".join(texts))

    def in_our_lines(self, output):
        """Places of the joined text as places of the sources."""
        def place(match):
            index = bisect.bisect_right(self.first_lines, int(match[1])) - 1
            return f"{self.sources[index].relative_to(ROOT)}:{int(match[1]) - self.first_lines[index] + 1}"
        return re.sub(re.escape(str(self.path)) + r":(\d+)", place, output)


def joined_texts(build, wanted):
    directory = build / "tidy"
    directory.mkdir(exist_ok=True)
    found = [Joined(entry, directory) for entry in json.loads((build / "compile_commands.json").read_text())]
    ours = [text for text in found if all(ROOMS.match(os.path.relpath(source, ROOT)) for source in text.sources)]
    compiled = {source for text in ours for source in text.sources}
    tracked = subprocess.run(["git", "ls-files", "*.cpp"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    for source in (ROOT / name for name in tracked if ROOMS.match(name)):
        if source not in compiled and (not wanted or source in wanted):  # what this build leaves out is checked as its neighbours are
            near = next(text for text in ours if source.parent in (other.parent for other in text.sources))
            command = near.entry["command"].replace(str(near.path), str(source)).removesuffix(ANALYZER)
            ours.append(Joined({"directory": near.entry["directory"], "file": str(source), "command": command}, directory))
    return [text for text in ours if not wanted or wanted & set(text.sources)]


def check(text, build):
    done = subprocess.run(["clang-tidy", "--quiet", "--warnings-as-errors=*", f"--config-file={ROOT / '.clang-tidy'}",
                           "-p", str(build / "tidy"), str(text.path)], cwd=ROOT, capture_output=True, text=True)
    # What stands on standard error counts warnings of other people's headers; only a crash has more to say.
    return done.returncode, text.in_our_lines(done.stdout) + (done.stderr if done.returncode and not done.stdout else "")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__.splitlines()[0])
    build = pathlib.Path(sys.argv[1]).resolve()
    wanted = {pathlib.Path(name).resolve() for name in sys.argv[2:]}
    texts = joined_texts(build, wanted)
    missing = wanted - {source for text in texts for source in text.sources}
    if missing or not texts:
        sys.exit(f"{build} compiles no source of a room named " + ", ".join(map(str, sorted(missing))))
    for text in texts:
        text.write()
    (build / "tidy" / "compile_commands.json").write_text(json.dumps([text.entry for text in texts]))
    texts.sort(key=lambda text: text.path.stat().st_size, reverse=True)  # the longest first: none is left for the end
    status = 0
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for code, output in pool.map(lambda text: check(text, build), texts):
            print(output, end="", flush=True)
            status = status or int(code != 0)
    sys.exit(status)


if __name__ == "__main__":
    main()
