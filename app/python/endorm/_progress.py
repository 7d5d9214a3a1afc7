"""What is told while a long call runs."""

import sys
import time
from collections.abc import Callable
from typing import TypeAlias

#: True: a line on standard error. A callable: called with (done, total) after each part of the work.
Progress: TypeAlias = bool | Callable[[int, int], None] | None


def teller(progress: Progress, what: str) -> Callable[[int, int], None] | None:
    """The callable to be told; None where nobody is."""
    if progress is None or progress is False:
        return None
    if progress is not True:
        return progress
    start = time.monotonic()

    def tell(done: int, total: int) -> None:
        seconds = time.monotonic() - start
        left = seconds * (total - done) / done if done else 0.0
        end = "\n" if done == total else ""
        sys.stderr.write(f"\r{done}/{total} {what}, {seconds:.0f} s, {left:.0f} s left  {end}")
        sys.stderr.flush()

    return tell
