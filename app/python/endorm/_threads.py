"""How the threads of a model wait for one another."""

import contextlib
import os
from collections.abc import Iterator


@contextlib.contextmanager
def short_waits() -> Iterator[None]:
    """While the extension is loaded, waiting threads are told to spin briefly before they sleep.

    By default GNU OpenMP spins for milliseconds, and on a machine that is busy with other work a model is then up to
    ten times as slow. The library reads its settings when it is loaded; the process's own environment is as before
    afterwards. OMP_WAIT_POLICY or GOMP_SPINCOUNT, where set, go before.
    """
    if "OMP_WAIT_POLICY" in os.environ or "GOMP_SPINCOUNT" in os.environ:
        yield
        return
    os.environ["GOMP_SPINCOUNT"] = "20000"
    try:
        yield
    finally:
        del os.environ["GOMP_SPINCOUNT"]
