"""The command `endorm`: a program that lies beside the package, started in the interpreter's place."""

import os
import pathlib
import sys


def main() -> None:
    program = pathlib.Path(__file__).with_name("bin") / "endorm"
    if not program.is_file():
        sys.exit(
            "endorm: the package is here without its program: it is Python alone, for clients of servers. Install it whole "
            "with pip install . in a checkout (docs/python.md)."
        )
    # What the program leaves to python3 (pip, pyarrow, transformers) is done in the environment that it was installed in.
    folders = [os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)]
    os.environ["PATH"] = os.pathsep.join(folders)
    os.execv(program, ["endorm", *sys.argv[1:]])
