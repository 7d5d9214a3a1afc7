"""`endorm serve` as the tests run it: a process of its own, at an address that it keeps over a restart."""

import os
import signal
import subprocess

from conftest import GOLDEN


class Served:
    """A server of the tiny model, or of another with its own template; key: what it asks for. stop kills it; start starts it again at the same port.

    It keeps no prompts: rounding of kept keys (f16) depends on what was computed together, and rewards are compared.
    """

    def __init__(self, command, *flags, key="", model=None):
        tiny = ["--model", str(GOLDEN / "engine_tiny_llama.gguf"), "--template", "plain"]
        of = tiny if model is None else ["--model", model, "--offline"]
        self._command, self._flags, self._key, self.port = command, [*of, *flags], key, 0
        self.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        arguments = [self._command, "serve"]
        self._process = subprocess.Popen(
            [*arguments, "--threads", "1", "--kept-tokens", "0", "--quiet", "--port", str(self.port), *self._flags],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(os.environ, OMP_WAIT_POLICY="passive", ENDORM_SERVE_KEY=self._key),
        )
        for line in self._process.stderr:
            if "rewards at http://" in line:
                self.port = int(line.split("rewards at http://127.0.0.1:")[1].split("/")[0])
                return
        raise RuntimeError("the server did not start")

    def stop(self):
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process.stderr.close()
