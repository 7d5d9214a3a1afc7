"""Tests of the Python package. Models: tiny ones of tests/golden for speed, the default model where an answer matters."""

import os
import pathlib
import secrets
import socket

import pytest

import endorm

SOURCE = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = SOURCE / "tests/golden"

# What evaluation harnesses ask: (question, choices, the right one). A model of 135 million weights knows these.
QUESTIONS = [
    ("The capital of France is", ["Paris", "Rome", "seven"], 0),
    ("The opposite of hot is", ["green", "cold", "Monday"], 1),
    ("Two plus two is", ["a river", "blue", "four"], 2),
    ("The sun rises in the", ["east", "soup", "pencil"], 0),
]


@pytest.fixture(scope="session")
def golden() -> pathlib.Path:
    """Where the tiny models lie."""
    return GOLDEN


@pytest.fixture(scope="session")
def tiny() -> endorm.Engine:
    """A made-up Llama of a few thousand weights, without a chat template."""
    return endorm.Engine(str(GOLDEN / "engine_tiny_llama.gguf"), template="plain", threads=1)


@pytest.fixture(scope="session")
def engine() -> endorm.Engine:
    """The default model."""
    try:
        return endorm.Engine("smollm2-135m", offline=True)
    except (ValueError, RuntimeError) as missing:
        pytest.skip(f"the default model is not there: {missing}")


@pytest.fixture(scope="session")
def raw() -> endorm.Engine:
    """The default model, which reads text as it is."""
    try:
        return endorm.Engine("smollm2-135m", template="raw", offline=True)
    except (ValueError, RuntimeError) as missing:
        pytest.skip(f"the default model is not there: {missing}")


@pytest.fixture(scope="session")
def command() -> str:
    """The command line's binary."""
    path = os.environ.get("ENDORM_BINARY", "")
    if not path:
        pytest.skip("ENDORM_BINARY does not name the binary")
    return path


@pytest.fixture(scope="session")
def cluster():
    """A cluster of this machine, with room for two workers of one CPU and Serve's own."""
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_AUTH_TOKEN=secrets.token_hex(32))
    ray = pytest.importorskip("ray")
    here = os.path.dirname(__file__)
    environment = {"PYTHONPATH": os.pathsep.join([here, os.environ.get("PYTHONPATH", "")]), "OMP_WAIT_POLICY": "passive"}
    ray.init(
        num_cpus=4, include_dashboard=False, object_store_memory=200 * 2**20, log_to_driver=False,
        runtime_env={"env_vars": environment},
    )  # fmt: skip
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield ray
    ray.shutdown()


@pytest.fixture(scope="session")
def serving(cluster):
    """host:port where Ray Serve of the cluster listens."""
    serve = pytest.importorskip("ray.serve")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    yield f"127.0.0.1:{port}"
    serve.shutdown()
