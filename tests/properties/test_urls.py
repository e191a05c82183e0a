"""Whatever a caller gives as path, parameters or id: it is refused, or the URL leads to the origin and stays below its prefix."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_core.config import ClientConfig
from platform_core.messages import Request
from platform_core.operations import await_execution, execute_agent, request, service_skills
from platform_core.origins import Origin
from platform_core.outcomes import Started
from platform_transports.contract import Credentials
from platform_transports.http1.request import EncodedRequest, encoded
from tests.support.core import SEED

BASE_URLS = ("https://api.test", "https://api.test:8443/base/v0", "http://[::1]:8000/p", "http://127.0.0.1/%20x/")
STRANGE = st.text(st.sampled_from("/.\\%2eE?#@:;&=+ \t\r\n\x00ä{}[]~|^`<>\"'aB0\ud800\u2044\uff0f"), max_size=14)
ELSEWHERE = st.sampled_from(("//evil.test/x", "/\\evil.test", "http://evil.test/", "/x@evil.test", "/%2f/evil.test"))
TEXTS = STRANGE | st.text(max_size=10) | ELSEWHERE
DOTS = st.sampled_from((".", "..", "%2e%2E", ".%2e", "%2f..", "..%5c", "%25%32%65"))
SEGMENTS = DOTS | st.sampled_from(("a", "", "%00", "a:b@c", ";x", "~", "ä")) | st.text("a.%2e", max_size=6)
PATHS = st.lists(SEGMENTS, max_size=4).map("/".join).map("/x/{}".format) | TEXTS.map("/{}".format) | TEXTS
VALUES: st.SearchStrategy[Any] = TEXTS | st.integers() | st.none() | st.lists(TEXTS, max_size=2) | st.floats()

BY_ID: dict[str, tuple[Callable[..., Any], str, int]] = {
    "agent_id": (execute_agent, "/api/v1/agents", 2),
    "execution_id": (await_execution, "/api/v1/executions", 1),
    "service_id": (service_skills, "/api/v1/hosted-services", 2),
}
"""Each with the path before the id, and the number of segments from the id on."""


def sent(operation: Any) -> Request:
    _, action = operation.step(Started(0.0))
    found: Request = action.request
    return found


def check_url(base_url: str, made: Request, prefix: str = "") -> None:
    """Read by three others, the URL is of the origin, its path below the prefix, and the bytes that go out say the same."""
    origin = Origin.parse(base_url)
    config = ClientConfig.from_env({}, base_url=base_url)
    outgoing = config.outgoing(made, "test")
    url = outgoing.url
    assert url.isascii()
    assert not re.search(r"[\s\x00-\x20\x7f\\#]", url)
    split, theirs = urlsplit(url), httpx.URL(url)
    assert (split.scheme, split.hostname, split.port, split.username) == (origin.scheme, origin.host, origin.port, None)
    assert (theirs.scheme, theirs.host, theirs.port, theirs.userinfo) == (origin.scheme, origin.host, origin.port, b"")
    below = origin.prefix + prefix
    assert split.path.startswith(f"{below}/")
    assert theirs.raw_path.decode() == url.removeprefix(f"{split.scheme}://{split.netloc}")
    assert not {".", ".."} & set(unquote(split.path).split("/"))
    bytes_sent = encoded(outgoing, Credentials("Authorization", "Bearer t"))
    assert isinstance(bytes_sent, EncodedRequest)
    assert (bytes_sent.origin.scheme, bytes_sent.origin.host) == (origin.scheme, origin.host)
    line, _, rest = bytes_sent.pieces[0].partition(b"\r\n")
    assert line.decode() == f"{made.method} {theirs.raw_path.decode()} HTTP/1.1"
    assert rest.startswith(b"Host: " + split.netloc.encode())


@settings(max_examples=200)
@given(st.sampled_from(BASE_URLS), PATHS, st.none() | st.dictionaries(TEXTS, VALUES, max_size=3))
def test_a_path_with_parameters_is_refused_or_stays_at_the_origin(base_url: str, path: str, params: dict[str, Any] | None) -> None:
    try:
        made = sent(request("GET", path, params=params, seed=SEED))
    except ValueError as error:
        assert str(error).startswith(("path ", "params", "a key of params"))  # noqa: PT017 -- most paths are right, so that `raises` does not fit
        return
    check_url(base_url, made)


@given(st.sampled_from(BASE_URLS), TEXTS | SEGMENTS, st.sampled_from(sorted(BY_ID)))
def test_an_id_is_refused_or_is_one_segment(base_url: str, text: str, kind: str) -> None:
    build, before, segments = BY_ID[kind]
    try:
        made = sent(build(text, seed=SEED))
    except ValueError as error:
        assert str(error).startswith(f"{kind} must not ")  # noqa: PT017 -- as above
        return
    check_url(base_url, made, before)
    after = made.target.removeprefix(before + "/").split("/")
    assert len(after) == segments
    assert unquote(after[0]) == text


@given(st.text(max_size=30) | STRANGE.map("https://{}".format) | st.sampled_from(BASE_URLS).flatmap(lambda url: STRANGE.map(url.__add__)))
def test_a_base_url_is_refused_or_is_read_by_others_as_it_is_by_us(base_url: str) -> None:
    try:
        origin = Origin.parse(base_url)
    except ValueError as error:
        assert str(error).startswith("base_url ")  # noqa: PT017 -- as above
        return
    split, theirs = urlsplit(origin.url("/x")), httpx.URL(origin.url("/x"))
    assert (split.scheme, split.hostname, split.port, split.path) == (origin.scheme, origin.host, origin.port, f"{origin.prefix}/x")
    assert (theirs.scheme, theirs.port) == (origin.scheme, origin.port)
    assert theirs.raw_host.decode() == origin.host
    assert Origin.parse(origin.base_url, allow_http=True) == origin, "the normal form is a fixed point"
