"""The extension endorm._core, loaded where something first computes here: clients of servers do without it.

While it is loaded, waiting threads are told to spin briefly before they sleep. By default GNU OpenMP spins for
milliseconds, and on a machine that is busy with other work a model is then up to ten times as slow. The library reads its
settings when it is loaded; the process's own environment is as before afterwards. OMP_WAIT_POLICY or GOMP_SPINCOUNT, where
set, go before.
"""

import os

_chosen = "OMP_WAIT_POLICY" in os.environ or "GOMP_SPINCOUNT" in os.environ
if not _chosen:
    os.environ["GOMP_SPINCOUNT"] = "20000"
try:
    from ._core import *
except ModuleNotFoundError as missing:
    raise ImportError(
        "[endorm] the package is here without its extension: ServerPool and adapters that are given a server's address "
        "work, what computes here does not. Install it whole with pip install . in a checkout (docs/python.md)."
    ) from missing
finally:
    if not _chosen:
        del os.environ["GOMP_SPINCOUNT"]
