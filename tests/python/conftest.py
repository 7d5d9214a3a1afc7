"""Tests of the Python package. Models: tiny ones of tests/golden for speed, the default model where an answer matters."""

import os
import pathlib

import pytest

import endorm

SOURCE = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = SOURCE / "tests/golden"


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
def command() -> str:
    """The command line's binary."""
    path = os.environ.get("ENDORM_BINARY", "")
    if not path:
        pytest.skip("ENDORM_BINARY does not name the binary")
    return path
