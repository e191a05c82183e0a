"""One suite for every transport, also a user's own: a server of scripts on loopback, and the checks that it makes.

    pytest -p platform_transports.conformance --pyargs platform_transports.conformance --platform-transport my_module:MyTransport

`MyTransport` is the class of an `AsyncTransport` or of a `SyncTransport` (see `platform_transports.contract`) whose constructor needs
nothing; what of `limits` and `ssl_context` it takes is handed in. Or it is a `Subject`, which also tells where the transport runs and
what it declares that it cannot do; or a list of them. Needs the extra `testing`.
"""

from .plugin import pytest_addoption, pytest_configure, pytest_generate_tests, pytest_runtest_makereport, pytest_terminal_summary
from .subjects import Subject

__all__ = [
    "Subject",
    "pytest_addoption",
    "pytest_configure",
    "pytest_generate_tests",
    "pytest_runtest_makereport",
    "pytest_terminal_summary",
]
