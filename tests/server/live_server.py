#!/usr/bin/env python3
"""Holds the finished `endorm serve` to what it promises beside rewards: load, hostile clients, its end, one number everywhere, turns,
connections, models that change, the files of deploy/, memory, what is stopped or full.

    live_server.py --endorm PATH [CASE...]
"""
import argparse
import importlib
import pathlib
import sys

CASES = ("load", "hostile", "shutdown", "numbers", "texts", "clients", "turns", "connections", "swap", "deploy", "memory", "frozen")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--endorm", required=True, type=pathlib.Path)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    arguments = parser.parse_args()
    for case in arguments.cases or CASES:
        importlib.import_module(f"live_{case}").run(arguments.endorm.resolve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
