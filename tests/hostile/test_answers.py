"""Answers that are good HTTP and bad all the same, to a whole client, over every transport: one end for all of them."""

import inspect
from functools import partial
from typing import Any

import anyio.to_thread
import pytest

from flow_sdk import PlatformClient, PlatformClientError, RetryPolicy, SyncPlatformClient
from platform_transports.conformance.bench import Bench
from platform_transports.conformance.sender import SECRET
from platform_transports.conformance.steps import READ
from platform_transports.conformance.subjects import Backend, Subject
from platform_transports.conformance.suite import column, run_on
from tests.conformance.subjects import SUBJECTS
from tests.hostile.answers import CASES, RECORD, Case

End = tuple[str | None, str]


async def _asked(bench: Bench, url: str) -> Any:
    transport: Any = bench.sender().transport
    options: dict[str, Any] = {"transport": transport, "allow_http": True, "retry": RetryPolicy(attempts_max=1), "env": {}}
    if inspect.iscoroutinefunction(transport.send):
        async with PlatformClient(url, SECRET, **options) as client:
            return await client.get_execution_status("e-1")
    with SyncPlatformClient(url, SECRET, **options) as blocking:
        return await anyio.to_thread.run_sync(partial(blocking.get_execution_status, "e-1"))


async def _end(subject: Subject, backend: Backend, case: Case) -> End:
    bench = Bench(subject, backend, 0)
    try:
        with bench.server((READ, case.reply)) as server:
            try:
                assert await _asked(bench, server.url) == RECORD
            except PlatformClientError as error:
                text = str(error)
                assert SECRET not in text
                return type(error).__name__, text.replace(server.url, "…")
            return None, ""
    finally:
        await bench.aclose()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_an_answer_has_one_end_over_every_transport(case: Case) -> None:
    ends = {column(subject, backend): run_on(backend, _end, subject, backend, case) for subject in SUBJECTS for backend in subject.backends}
    first = next(iter(ends.values()))
    assert (first[0], case.text in first[1]) == (case.error, True), first
    assert {name: _without_id(end) for name, end in ends.items() if _without_id(end) != _without_id(first)} == {}


def _without_id(end: End) -> End:
    """Each request has its own id, which follows what is said of its answer."""
    return end[0], end[1].partition(", request ")[0]
