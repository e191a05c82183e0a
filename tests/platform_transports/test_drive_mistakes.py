"""What is nobody's answer: errors of a test's script, of a transport, of an operation. Each reaches whoever called, as it is."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import anyio
import pytest

from platform_core.actions import Fate, Gone, Send
from platform_core.machine import Misuse
from platform_core.messages import Request, Response
from platform_core.outcomes import Outcome, Started
from platform_transports.contract import TransportError
from platform_transports.fake import FakePlatform, Script, json_response
from tests.support.driven import SEED, Told, drive, drive_sync, get, platform, sleeping

SUBMITTED = json_response(202, {"execution_id": "e1", "status": "pending"})


async def in_task(script: Script, told: Told) -> BaseException:
    with pytest.raises(BaseException) as raised:  # noqa: PT011 -- the test says which
        await drive(sleeping(1.0), FakePlatform(script), observers=[told])
    return raised.value


def in_thread(script: Script, told: Told) -> BaseException:
    with pytest.raises(BaseException) as raised:  # noqa: PT011 -- the test says which
        drive_sync(sleeping(1.0), FakePlatform(script), observers=[told])
    return raised.value


def check_end_of_script(error: BaseException, told: Told) -> None:
    assert type(error) is LookupError
    assert str(error) == "the script has no act for request 2, GET /api/v1/executions/e1, and there is no model"
    assert told.report.fate is Fate.UNKNOWN
    assert [str(told.report)] == error.__notes__


async def test_the_end_of_a_script_is_an_error_that_names_the_request() -> None:
    told = Told()
    check_end_of_script(await in_task((SUBMITTED,), told), told)


def test_the_end_of_a_script_is_an_error_that_names_the_request_in_a_thread_too() -> None:
    told = Told()
    check_end_of_script(in_thread((SUBMITTED,), told), told)


class Bug(BaseException):
    """Neither an error nor an interrupt that anybody knows."""


@pytest.mark.parametrize("error_type", [ValueError, OSError, TimeoutError, Bug])
async def test_an_error_of_a_transport_that_is_no_transport_error_is_raised_after_the_cleanup(error_type: type[BaseException]) -> None:
    error = error_type("a bug")

    def script(request: Request) -> Response | None:
        if request.method == "GET":
            raise error
        return None

    fake, told = platform(script), Told()
    with pytest.raises(type(error)) as raised:
        await drive(sleeping(1.0), fake, observers=[told])
    assert raised.value is error
    with pytest.raises(type(error)) as raised:
        drive_sync(sleeping(1.0, number=1), fake, observers=[told])
    assert raised.value is error
    reports = [action.report for action in told.actions if isinstance(action, Gone)]
    assert [report.fate for report in reports] == [Fate.CANCELLED, Fate.CANCELLED]
    assert error.__notes__ == [str(report) for report in reports]


def fails_then_interrupts(request: Request) -> Response | None:
    if request.method == "GET":
        raise ValueError("a bug")
    if request.target.endswith("/cancel"):
        raise KeyboardInterrupt
    return None


def test_an_interrupt_during_the_cleanup_after_an_error_is_what_is_raised() -> None:
    told = Told()
    with pytest.raises(KeyboardInterrupt) as raised:
        drive_sync(sleeping(1.0), platform(fails_then_interrupts), observers=[told])
    assert told.report.fate is Fate.UNKNOWN
    assert raised.value.__notes__ == [str(told.report)]


async def test_a_cancellation_during_the_cleanup_after_an_error_is_what_is_raised() -> None:
    class Stop(BaseException):
        pass

    def script(request: Request) -> Response | None:
        if request.target.endswith("/cancel"):
            raise Stop
        return fails_then_interrupts(request)

    with pytest.raises(Stop) as raised:
        await drive(sleeping(1.0), platform(script))
    assert raised.value.__cause__ is None


@dataclass(frozen=True, slots=True)
class Broken:
    """An operation whose every step is a bug, or every one after the first."""

    begins: Any = None
    seed: UUID = SEED

    def step(self, outcome: Outcome, /) -> Any:
        if self.begins is None:
            raise Misuse("a bug in the operation")
        return Broken(), self.begins


@pytest.mark.parametrize("begins", [None, "send"])
async def test_an_operation_that_only_fails_ends_all_the_same(begins: str | None) -> None:
    send = get().step(Started(0.0))[1]
    assert isinstance(send, Send)
    broken = Broken(None if begins is None else send)
    with pytest.raises(Misuse, match="a bug in the operation"):
        await drive(broken, platform())
    with pytest.raises(Misuse, match="a bug in the operation"):
        drive_sync(broken, platform())


async def test_a_transport_error_never_reaches_a_caller() -> None:
    def script(_request: Request) -> Response:
        raise TransportError("read", "maybe")

    with pytest.raises(Exception) as raised:  # noqa: PT011 -- the next line says which
        await drive(get(), platform(script))
    assert not isinstance(raised.value, TransportError)


async def test_a_run_that_fails_leaves_the_others_alone() -> None:
    fake = platform(lambda request: None if "things" not in request.target else (_ for _ in ()).throw(ValueError("a bug")))
    results: list[str] = []

    async def good(number: int) -> None:
        results.append((await drive(sleeping(5.0, number=number), fake))["status"])

    async def bad() -> None:
        with pytest.raises(ValueError, match="a bug"):
            await drive(get(number=9), fake)

    async with anyio.create_task_group() as group:
        for number in range(3):
            group.start_soon(good, number)
        group.start_soon(bad)
    assert results == ["completed"] * 3
