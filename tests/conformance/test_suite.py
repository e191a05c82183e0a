"""What the suite makes of a busy machine, which is not what it makes of a transport that does nothing."""

import time

import pytest

from platform_core.limits import Limits
from platform_core.messages import OutgoingRequest, Response
from platform_transports.conformance.ends import CheckFailedError
from platform_transports.conformance.sender import SHORT_SECONDS
from platform_transports.conformance.subjects import Subject
from platform_transports.conformance.suite import Case, cases
from platform_transports.contract import Credentials, Progress, SyncFlow
from platform_transports.sync import BlockingTransport


class Late(BlockingTransport):
    """Begins after this time."""

    seconds = 0.0

    def send(
        self,
        request: OutgoingRequest,
        credentials: Credentials,
        deadline: float,
        limits: Limits,
        progress: Progress,
        flow: SyncFlow | None = None,
    ) -> Response:
        time.sleep(min(self.seconds, max(0.0, deadline - time.monotonic())))
        return super().send(request, credentials, deadline, limits, progress, flow)


def no_answer(seconds: float) -> Case:
    late = type("Late", (Late,), {"seconds": seconds})
    (case,) = [
        each
        for each in cases([Subject("late", lambda limits, ssl_context: late(limits), ("sync",), carries_flows=True)])
        if each.check.name == "no-answer"
    ]
    return case


def test_a_short_deadline_that_passed_before_anything_was_sent_is_tried_longer() -> None:
    assert no_answer(2 * SHORT_SECONDS).run() == "passed"


def test_but_not_for_ever() -> None:
    with pytest.raises(CheckFailedError, match=r"must end as Failed\(timeout, sent='maybe', .*, but ended as Failed\(timeout, sent='no'"):
        no_answer(60.0).run()
