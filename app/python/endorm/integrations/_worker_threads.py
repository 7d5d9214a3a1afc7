"""Threads of a model that shares its machine with other workers of Ray."""

import sys
from typing import Any


def worker_threads() -> int:
    """The CPUs that Ray has given to this actor, at least 1; 0 (all cores) outside of Ray's workers."""
    if "ray" not in sys.modules:  # a worker has it
        return 0
    import ray

    if not ray.is_initialized():
        return 0
    context: Any = ray.get_runtime_context()  # its methods are not typed
    if context.worker.mode != ray.WORKER_MODE:
        return 0
    return max(1, int(context.get_assigned_resources().get("CPU", 1)))
