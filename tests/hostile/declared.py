"""What the transports cannot do of these scripts, by transport, with the reason."""

from collections.abc import Mapping
from dataclasses import replace

from platform_transports.conformance.subjects import Subject
from tests.conformance.declared import EXTRA_BYTES, fake
from tests.conformance.declared_by_examples import CURL, URLLIB3
from tests.conformance.subjects import SUBJECTS
from tests.hostile.scripts import CHECKS

_HTTPX = {"too-large-then-evil": EXTRA_BYTES}
_AIOHTTP = {"footer-of-a-chunk-wrong": "what is malformed never ends where the network cuts it (aio-libs/aiohttp#10355)"}
DECLARED: Mapping[str, Mapping[str, str]] = {
    "httpx": _HTTPX,
    "httpx2": _HTTPX,
    "fake": fake(CHECKS),
    "fake sync": fake(CHECKS),
    "aiohttp on asyncio": _AIOHTTP,
    "aiohttp on uvloop": _AIOHTTP,
    "urllib3": {
        "footer-of-a-chunk-wrong": URLLIB3["chunk-longer-than-its-size"],
        "too-large-then-evil": URLLIB3["not-kept-with-more-bytes"],
    },
    "pycurl": {
        "bare-line-feeds": "curl refuses a head whose lines end without CR",
        "footer-of-a-chunk-wrong": CURL["chunk-longer-than-its-size"],
        "stale-then-broken": CURL["connection-is-kept"],
    },
}


def subjects() -> tuple[Subject, ...]:
    """The transports that are here, with what they declare of these scripts."""
    return tuple([replace(subject, declared=DECLARED.get(subject.name, {})) for subject in SUBJECTS])
