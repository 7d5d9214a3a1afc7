"""How a tool of `endorm models convert` ends: one JSON object on standard output, read by converter_environment.cpp."""
import ctypes
import errno
import json
import logging
import os
import re
import signal
import sys
import warnings

# Where these are the reason, the checkpoint is not at fault: the machine or the network is.
WORLD = {errno.ENOSPC, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.EDQUOT, errno.EFBIG, errno.EMFILE,
         errno.ECONNREFUSED, errno.ENETUNREACH, errno.ETIMEDOUT}


class Refused(Exception):
    """A refusal of our own: its text is the whole reason."""


class WorldFailed(Exception):
    """The machine or the network is the reason; its text is the whole of it."""


class ErrorWords(logging.Handler):
    """Keeps what libraries log as errors; the rest of their log is not shown."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.words = []

    def emit(self, record):
        text = record.getMessage().strip()
        if text:
            self.words.append(text)


def is_short_write(error):
    """NumPy's words where a disk is full or a file may grow no further; it gives no number."""
    return isinstance(error, OSError) and re.search(r"requested and \d+ written|Not enough free space", str(error)) is not None


def spelled(error):
    """An exception in one line. Its type stands before it where the text alone says little, as of a KeyError."""
    text = " ".join(str(error).split())
    if isinstance(error, (Refused, WorldFailed, NotImplementedError)) and text:
        return text
    if is_short_write(error):
        return f"the disk is full, or a limit on the size of files is reached ({text})"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def is_world(error):
    while error is not None:
        if isinstance(error, (WorldFailed, MemoryError, ConnectionError, TimeoutError, ImportError)):
            return True
        if is_short_write(error) or (isinstance(error, OSError) and error.errno in WORLD):
            return True
        error = error.__cause__ or error.__context__
    return False


def end_with_parent():
    """A tool does not outlive the endorm that started it (Linux; elsewhere it ends when it has ended)."""
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    except (OSError, AttributeError):
        pass


def tell(work):
    """Runs work() and prints what it returns, or {"fault", "kind"}. What libraries print goes to standard error."""
    end_with_parent()
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    warnings.simplefilter("ignore")  # of one library to another: nothing that who converts could do
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if not sys.stderr.isatty():
        os.environ["TQDM_DISABLE"] = "1"
        os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    log = ErrorWords()
    logging.basicConfig(level=logging.INFO, handlers=[log])
    try:
        outcome = work() or {}
    except SystemExit as error:  # how the converter leaves where it has logged an error
        outcome = {"fault": " ".join(log.words) or f"it ended with {error.code}", "kind": "input"}
    except Exception as error:
        outcome = {"fault": spelled(error), "kind": "world" if is_world(error) else "input"}
    answer.write(json.dumps(outcome))
    answer.close()
