"""A client that is closed ends its calls at once: with an error that carries the handle, and without another request."""

import contextlib
import threading
from collections.abc import Callable

import anyio
import pytest

from platform_core.actions import Authorize, Fate, Gone, Send, Sleep
from platform_core.errors import PlatformClientError
from platform_core.machine import Decision
from platform_core.messages import Request, Response
from platform_core.outcomes import Abandoned
from platform_core.tokens import Token
from platform_transports.runs import AsyncRuns
from platform_transports.tokens import SyncTokens
from tests.support.cuts import Cuts, fate, renewable_tokens
from tests.support.driven import Told, drive, drive_sync, get, platform, sleeping

SCRIPT: tuple[Response | None, ...] = (Response(401), Response(503), None)
FAILURE = 12
"""The await at which a run that had begun on the platform fails: what comes after it is its clean-up."""


def check_error(error: PlatformClientError, told: Told) -> None:
    assert type(error) is PlatformClientError
    assert error.message == f"the client was closed while the call was under way: {told.report}"
    assert error.handle == told.report.handle
    assert (error.handle is None) == (told.report.fate is Fate.NEVER_STARTED)


def check_time_left(error: PlatformClientError, now: float) -> None:
    assert error.handle is None or error.handle.seconds_left == 3600.0 - now


async def test_a_client_closed_at_any_await_ends_the_run_with_its_handle_and_sends_no_cancel() -> None:
    seen: set[Fate | None] = set()
    point, ended = 0, False
    while not ended:
        fake, told, runs = platform(SCRIPT), Told(), AsyncRuns()
        cuts = Cuts(fake, {point: runs.close})
        try:
            await drive(sleeping(0.1), fake, transport=cuts, tokens=renewable_tokens(), observers=[told], runs=runs)
        except PlatformClientError as error:
            check_error(error, told)
            assert cuts.points == point + 1
            assert not any(request.url.endswith("/cancel") for request in fake.requests)
            check_time_left(error, fake.now)
            seen.add(fate(told))
        else:
            ended = point > 12
            assert ended, point
        point += 1
    assert seen == {Fate.NEVER_STARTED, Fate.UNKNOWN, Fate.LEFT}


async def test_a_client_that_is_closed_as_its_task_is_cancelled_sends_no_cancel_either() -> None:
    fake, told, runs = platform(), Told(), AsyncRuns()

    def close_and_cancel() -> None:
        runs.close()
        scope.cancel()

    with anyio.CancelScope() as scope:
        cuts = Cuts(fake, {6: close_and_cancel})
        with contextlib.suppress(PlatformClientError):  # trio raises the cancellation, asyncio what the closed client raises
            await drive(sleeping(0.1), fake, transport=cuts, observers=[told], runs=runs)
    assert [type(each.outcome) for each in told.decisions].count(Abandoned) == 1
    assert told.report.fate is Fate.LEFT
    assert not any(request.url.endswith("/cancel") for request in fake.requests)


async def test_a_client_closed_during_the_cleanup_ends_it() -> None:
    def fail() -> None:
        raise LookupError("an error of the transport")

    for point in range(FAILURE + 1, FAILURE + 3):
        fake, told, runs = platform(SCRIPT), Told(), AsyncRuns()
        cuts = Cuts(fake, {FAILURE: fail, point: runs.close})
        with pytest.raises(LookupError, match="an error of the transport"):
            await drive(sleeping(0.1), fake, transport=cuts, tokens=renewable_tokens(), observers=[told], runs=runs)
        assert cuts.points == point + 1
        assert fate(told) is Fate.UNKNOWN


async def test_a_client_that_is_closed_already_sends_nothing() -> None:
    fake, told, runs = platform(), Told(), AsyncRuns()
    runs.close()
    with pytest.raises(PlatformClientError) as raised:
        await drive(sleeping(0.1), fake, observers=[told], runs=runs)
    check_error(raised.value, told)
    assert not fake.requests


async def test_a_client_closed_between_two_awaits_performs_no_other_action() -> None:
    for kind in (Send, Sleep):
        fake, told, runs = platform(), Told(), AsyncRuns()
        with pytest.raises(PlatformClientError) as raised:
            await drive(sleeping(0.1), fake, observers=[told, closing(kind, runs.close)], runs=runs)
        check_error(raised.value, told)
        assert len(fake.requests) == (0 if kind is Send else 1)
        assert fake.now == 0


def closing(kind: type, close: Callable[[], object]) -> Callable[[Decision], None]:
    """An observer that closes the client before the first action of this kind."""

    def observe(decision: Decision) -> None:
        if isinstance(decision.action, kind):
            close()

    return observe


@pytest.mark.parametrize("action", [Send, Sleep, Authorize])
def test_a_blocking_client_closed_between_two_actions_performs_no_other_one(action: type) -> None:
    fake, told, closed = platform((None, Response(401))), Told(), threading.Event()
    tokens = SyncTokens(Token.checked("first", "token"), lambda: "second")
    with pytest.raises(PlatformClientError) as raised:
        drive_sync(sleeping(0.1), fake, observers=[told, closing(action, closed.set)], closed=closed, tokens=tokens)
    check_error(raised.value, told)
    assert len(fake.requests) == {Send: 0, Sleep: 1, Authorize: 2}[action]


def test_a_blocking_client_closed_while_it_sends_ends_with_the_handle() -> None:
    closed = threading.Event()

    def script(request: Request) -> None:
        if request.method == "GET":
            closed.set()
            transport.close()

    fake, told = platform(script), Told()
    transport = fake.synchronous()
    with pytest.raises(PlatformClientError) as raised:
        drive_sync(sleeping(0.1), fake, transport=transport, observers=[told], closed=closed)
    check_error(raised.value, told)
    assert told.report.fate is Fate.LEFT
    assert len(fake.requests) == 2


def test_a_blocking_client_that_is_closed_as_it_is_interrupted_sends_no_cancel_either() -> None:
    fake, told, closed = platform(), Told(), threading.Event()

    def observer(decision: Decision) -> None:
        if isinstance(decision.action, Sleep):
            closed.set()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drive_sync(sleeping(0.1), fake, observers=[told, observer], closed=closed)
    assert [type(each.outcome) for each in told.decisions].count(Abandoned) == 1
    assert told.report.fate is Fate.LEFT
    assert len(fake.requests) == 1


def test_a_blocking_client_closed_while_it_waits_for_a_token_ends_with_the_handle() -> None:
    fake, told, closed = platform((None, Response(401))), Told(), threading.Event()

    def provider() -> str:
        closed.set()
        tokens.close()
        return "second"

    tokens = SyncTokens(Token.checked("first", "token"), provider)
    with pytest.raises(PlatformClientError) as raised:
        drive_sync(sleeping(0.1), fake, observers=[told], closed=closed, tokens=tokens)
    check_error(raised.value, told)
    assert told.report.fate is Fate.LEFT
    assert len(fake.requests) == 2


def test_a_blocking_client_that_is_closed_already_sends_nothing() -> None:
    fake, told, closed = platform(), Told(), threading.Event()
    closed.set()
    with pytest.raises(PlatformClientError) as raised:
        drive_sync(get(), fake, observers=[told], closed=closed)
    check_error(raised.value, told)
    assert not fake.requests


def test_a_blocking_client_closed_during_the_cleanup_ends_it() -> None:
    fake, told, closed = platform((None, Response(503))), Told(), threading.Event()

    def interrupt(decision: Decision) -> None:
        if isinstance(decision.action, Send) and decision.action.request.target.endswith("/cancel"):
            closed.set()
        elif isinstance(decision.action, Sleep):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as raised:
        drive_sync(sleeping(0.1), fake, observers=[told, interrupt], closed=closed)
    assert isinstance(told.actions[-1], Gone)
    assert raised.value.__notes__ == [str(told.report)]
    assert len(fake.requests) == 1
