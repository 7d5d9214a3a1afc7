"""Which packages an interpreter lacks; and an environment that adds them to what it has. Standard library alone.

    packages.py look NAME[>=VERSION]...     {"executable", "version", "folders", "missing"}
    packages.py make ENVIRONMENT FOLDER...  a virtual environment that also sees the packages in the folders
"""
import importlib.metadata
import os
import re
import site
import sys
import venv

import outcome


def numbers(version):
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def lacks(requirement):
    name, _, least = requirement.partition(">=")
    try:
        return numbers(importlib.metadata.version(name)) < numbers(least)
    except importlib.metadata.PackageNotFoundError:
        return True


def look(requirements):
    folders = site.getsitepackages() + ([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])
    return {
        "executable": sys.executable,
        "version": "%d.%d" % sys.version_info[:2],
        "usable": sys.version_info >= (3, 10),
        "folders": [folder for folder in folders if os.path.isdir(folder)],
        "missing": [requirement for requirement in requirements if lacks(requirement)],
    }


def make(environment, folders):
    """The folders come behind the environment's own: what pip puts there has precedence."""
    venv.create(environment, with_pip=True, clear=True, symlinks=os.name != "nt")
    own = os.path.join(environment, "lib", "python%d.%d" % sys.version_info[:2], "site-packages")
    with open(os.path.join(own, "zz_endorm_base.pth"), "w", encoding="utf-8") as file:
        for folder in folders:
            file.write(f"import site; site.addsitedir({folder!r})\n")


if __name__ == "__main__":
    outcome.tell(lambda: look(sys.argv[2:]) if sys.argv[1] == "look" else make(sys.argv[2], sys.argv[3:]))
