"""httpbin on loopback, served by waitress: a program and a server that nobody here wrote, in a process of its own."""

import re
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

_COMMAND = [sys.executable, "-m", "waitress", "--listen=127.0.0.1:0", "--threads=32", "httpbin:app"]
_SERVING = re.compile(r"Serving on (http://127\.0\.0\.1:[0-9]+)\n")


@contextmanager
def httpbin() -> Generator[str]:
    """Its URL."""
    with subprocess.Popen(_COMMAND, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = ""
        while (serving := _SERVING.search(said)) is None:
            line = process.stderr.readline()
            assert line, said
            said += line
        try:
            yield serving[1]
        finally:
            process.terminate()
