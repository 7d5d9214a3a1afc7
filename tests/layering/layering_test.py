#!/usr/bin/env python3
"""Holds the house to its plan: the table of rooms in docs/design.md is the map, every include must follow it.

Fails on an include of a room or of a wing of one (a folder in it) that the tables do not allow, on two rooms that
include each other, on a third-party header in one of our headers, on arguments, environment or standard streams outside
app/, on a type that two files define outside an unnamed namespace (linkers take one of the two destructors without a
word), and on a message of an error that does not begin with its function or command. A self-test on a made-up tree shows
that each of these is found.
"""
import collections
import pathlib
import re
import sys
import tempfile

INCLUDE = re.compile(r'^\s*#\s*include\s+"([a-z_]+)/[^"]+"', re.M)
WING_INCLUDE = re.compile(r'^\s*#\s*include\s+"((?:[a-z_]+/)+)[^"]+"', re.M)
SYSTEM_INCLUDE = re.compile(r"^\s*#\s*include\s+<([^>]+)>", re.M)
# Headers of the C++ standard library have no dot and no slash; these are the system's.
SYSTEM_HEADERS = re.compile(r"^([a-z_0-9]+|sys/[a-z]+\.h|unistd\.h|fcntl\.h|spawn\.h)$")
APP_ONLY = re.compile(r"\b(std::cout|std::cerr|std::cin|std::getenv|getenv\(|stdin\b|stdout\b|argv\b)")
# Third parties that a room's own headers may name: the room is built of their types. json_fwd.hpp declares alone.
ROOM_LIBRARIES = {
    "train": ("torch/", "nlohmann/json_fwd.hpp"),
    "app": ("nlohmann/json.hpp", "nlohmann/json_fwd.hpp"),
    **dict.fromkeys(("score", "eval", "report"), ("nlohmann/json_fwd.hpp",)),
}
# A message that is thrown begins "[function or command] ".
MESSAGE = re.compile(r'\bthrow (?:InvalidInput|EngineError)\(\s*(?:std::string\()?"(?!\[)')
# What reads a row, a record or the body of a request says what is wrong in it; who calls it says where: the file and the
# line, or the route.
READERS = re.compile(r"app/server/|engine/llama/device_reader|"
                     r"eval/(bench_json|best_of_record|judged_json|math_suites|own_readers|pair_readers|"
                     r"row_reader|row_texts|step_readers)\.|report/(result_file|run_file)\.|"
                     r"score/(field_map|json_check|json_field|layout_turns|media_source|message_reader|option|record|record_edit|response_reader|token_reader)\.|"
                     r"train/training_data\.")
TYPE = re.compile(r"^(?:struct|class|enum class) (\w+)(?: final)?(?: :[^;{]*)? \{")
# Where app-only words are right, with the reason.
ALLOWED = {}


def rooms_of(design):
    """The table `| room | what lives here | may include |` -> {room: set of rooms it may include}."""
    rows = re.findall(r"^\|\s*([a-z]+)/\s*\|[^|]*\|([^|]*)\|", design, re.M)
    names = [name for name, _ in rows]
    allowed = {}
    for name, cell in rows:
        allowed[name] = set(names) if cell.strip() == "all" else {n for n in names if re.search(rf"\b{n}\b", cell)}
        allowed[name].add(name)
    return allowed


def wings_of(design):
    """The table `| wing | what lives here | may include |` -> {folder: folders of its room that it may include}."""
    _, _, table = design.partition("| wing |")
    rows = re.findall(r"^\|\s*((?:[a-z_]+/)+)\s*\|[^|]*\|([^|]*)\|", table.split("\n\n")[0], re.M)
    return {wing: {wing, *re.findall(r"(?:[a-z_]+/)+", cell)} for wing, cell in rows}


def wing_faults(root):
    root = pathlib.Path(root)
    wings = wings_of((root / "docs/design.md").read_text())
    found = []
    for room in {wing.split("/")[0] for wing in wings}:
        for path in sorted((root / room).rglob("*")):
            if path.suffix not in (".h", ".cpp"):
                continue
            wing = path.parent.relative_to(root).as_posix() + "/"
            if wing not in wings:
                found.append(f"{wing} is no wing that docs/design.md names")
                continue
            for target in WING_INCLUDE.findall(path.read_text(errors="replace")):
                if target.startswith(room + "/") and target not in wings[wing]:
                    found.append(f"{path.relative_to(root)} includes {target}, which docs/design.md does not allow {wing}")
    return found


def faults(root):
    root = pathlib.Path(root)
    allowed = rooms_of((root / "docs/design.md").read_text())
    if not allowed:
        return ["docs/design.md holds no table of rooms"]
    found = []
    arrows = {}
    for room in allowed:
        for path in sorted((root / room).rglob("*")):
            if path.suffix not in (".h", ".cpp"):
                continue
            name = path.relative_to(root).as_posix()
            text = path.read_text(errors="replace")
            for target in INCLUDE.findall(text):
                if target in allowed and target not in allowed[room]:
                    found.append(f"{name} includes {target}/, which docs/design.md does not allow {room}/")
                if target in allowed and target != room:
                    arrows.setdefault((room, target), name)
            if path.suffix == ".h":
                for header in SYSTEM_INCLUDE.findall(text):
                    own = header.startswith(ROOM_LIBRARIES.get(room, ()))
                    if not own and not SYSTEM_HEADERS.match(header):
                        found.append(f"{name} is a header of ours and includes the third-party header <{header}>")
            if room != "app" and name not in ALLOWED:
                code = re.sub(r"//[^\n]*", "", text)
                for word in sorted(set(APP_ONLY.findall(code))):
                    found.append(f"{name} uses {word}, which belongs in app/")
    for (room, target), name in sorted(arrows.items()):
        if (target, room) in arrows and room < target:
            found.append(f"{room}/ and {target}/ include each other ({name}, {arrows[(target, room)]})")
    return found


def unnamed_messages(root):
    root = pathlib.Path(root)
    found = []
    for room in rooms_of((root / "docs/design.md").read_text()):
        for path in sorted((root / room).rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.suffix in (".h", ".cpp") and not READERS.match(name):
                text = path.read_text(errors="replace")
                found += [f"{name}:{text.count(chr(10), 0, match.start()) + 1} throws a message that does not begin with "
                          "its [function or command]" for match in MESSAGE.finditer(text)]
    return found


def types_of(text):
    """Names of the types that a file defines in a named namespace."""
    unnamed = False
    for line in text.splitlines():
        unnamed = (unnamed or line == "namespace {") and line != "}  // namespace"
        found = TYPE.match(line)
        if found and not unnamed:
            yield found[1]


def double_names(root):
    root = pathlib.Path(root)
    places = collections.defaultdict(list)
    for room in [*rooms_of((root / "docs/design.md").read_text()), "tests"]:
        for path in sorted((root / room).rglob("*")):
            if path.suffix in (".h", ".cpp"):
                for name in types_of(path.read_text(errors="replace")):
                    places[name].append(path.relative_to(root).as_posix())
    return [f"{name} is defined in {' and in '.join(files)}: give one another name" for name, files in places.items()
            if len(files) > 1]


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for room in ("core", "engine", "app", "docs"):
            (root / room).mkdir()
        (root / "docs/design.md").write_text("| core/ | x | std |\n| engine/ | x | core |\n| app/ | x | all |\n")
        (root / "core/a.h").write_text('#include <vector>\n')
        (root / "engine/b.cpp").write_text('#include "core/a.h"\n')
        (root / "app/c.cpp").write_text('#include "engine/b.h"\nint main(int argc, char** argv) {}\n')
        assert faults(root) == [], faults(root)
        for file in ("core/a.h", "engine/d.h"):
            (root / file).write_text("namespace endorm {\nstruct Twice {\n};\nstruct Twice::Inner {\n};\n}\n")
        (root / "engine/b.cpp").write_text('#include "core/a.h"\nnamespace {\nclass Twice {\n};\n}  // namespace\n')
        assert len(double_names(root)) == 1 and "core/a.h and in engine/d.h" in double_names(root)[0], double_names(root)
        (root / "core/e.cpp").write_text('throw InvalidInput("[e] it");\nthrow EngineError(\n    "it");\nthrow InvalidInput(why);\n')
        assert unnamed_messages(root) == ["core/e.cpp:2 throws a message that does not begin with its [function or command]"]
        (root / "engine/near").mkdir()
        (root / "engine/far").mkdir()
        (root / "docs/design.md").write_text(
            (root / "docs/design.md").read_text() + "\n| wing | what lives here | may include |\n|---|---|---|\n"
            "| engine/ | x | core |\n| engine/near/ | x | engine/ |\n| engine/far/ | x | engine/, engine/near/ |\n")
        (root / "engine/near/n.h").write_text('#include "engine/b.h"\n')
        (root / "engine/far/f.h").write_text('#include "core/a.h"\n#include "engine/b.h"\n#include "engine/near/n.h"\n')
        assert wing_faults(root) == [], wing_faults(root)
        (root / "engine/b.h").write_text('#include "engine/near/n.h"\n')
        (root / "engine/near/n.h").write_text('#include "engine/far/f.h"\n')
        (root / "engine/other").mkdir()
        (root / "engine/other/o.h").write_text("\n")
        texts = "\n".join(wing_faults(root))
        for expected in ("engine/b.h includes engine/near/", "engine/near/n.h includes engine/far/", "engine/other/ is no"):
            assert expected in texts, (expected, texts)
        (root / "core/a.h").write_text('#include <nlohmann/json.hpp>\n#include "engine/b.h"\nauto x = std::getenv("A");\n')
        texts = "\n".join(faults(root))
        for expected in ("core/a.h includes engine/", "third-party", "std::getenv", "include each other"):
            assert expected in texts, (expected, texts)


if __name__ == "__main__":
    self_test()
    here = pathlib.Path(__file__).resolve().parents[2]
    problems = faults(here) + wing_faults(here) + double_names(here) + unnamed_messages(here)
    for problem in problems:
        print(problem)
    if not problems:
        print("layering: every include follows docs/design.md, every type has one definition, every message its function")
    sys.exit(1 if problems else 0)
