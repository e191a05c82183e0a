"""The drivers perform what is asked, report what came of it, and do the same on asyncio, on trio and in a thread."""

import sys
import time
from typing import Any, NamedTuple

import anyio
import anyio.lowlevel
import pytest

from platform_core import operations
from platform_core.config import Settings
from platform_core.errors import PlatformClientError, PlatformConnectionError, PlatformTimeoutError
from platform_core.limits import Limits
from platform_core.machine import Operation
from platform_core.messages import OutgoingRequest, Response
from platform_core.outcomes import Refused, Started, Woke
from platform_core.retry import RetryBudget
from platform_core.tokens import Token
from platform_core.version import VERSION
from platform_transports.budget import BudgetHolder
from platform_transports.contract import Credentials, Progress, TransportError
from platform_transports.drive import run_async, run_sync
from platform_transports.fake import Answer, Forward, Lose, json_response
from platform_transports.tokens import AsyncTokens, SyncTokens
from tests.support.driven import CONFIG, IDS, Told, async_tokens, drive, drive_sync, get, platform, seed, sleeping, sync_tokens

Item = Any
Trace = tuple[list[tuple[float, str, str, str | None]], str]
OK = json_response(200, {"ok": True})
RUNNING = json_response(200, {"execution_id": str(seed(9)), "status": "running"})


class Case(NamedTuple):
    operation: Operation[Any]
    script: tuple[Item, ...] = ()
    token: str | None = "first"
    renewed: bool = True
    balance: int = 500


CASES = {
    "an execution": Case(sleeping(2.0)),
    "one that fails": Case(operations.execute_code_block(IDS["fail"], {"message": "no"}, seed=seed(0))),
    "one that times out on the platform": Case(sleeping(50.0, timeout_seconds=3.0)),
    "a token refused": Case(sleeping(1.0), (Response(401),)),
    "a token refused twice": Case(get(), (Response(401), Response(401))),
    "a token that cannot be renewed": Case(get(), (Response(401),), renewed=False),
    "no token yet": Case(sleeping(0.1), (), token=None),
    "no token at all": Case(get(), (), token=None, renewed=False),
    "a busy platform": Case(sleeping(1.0), (Response(503), Response(503), Forward(), Response(502))),
    "a platform that stays busy": Case(get(), (Response(503),) * 4),
    "an empty budget": Case(get(), (Response(503),), balance=4),
    "an answer lost": Case(sleeping(1.0), (Lose(effect=True), Lose(), Lose(effect=True))),
    "a stale connection": Case(get(), (Lose(reused=True), OK)),
    "no connection": Case(get(), (Lose(kind="connect"),) * 4),
    "an answer that comes too late": Case(sleeping(100.0), (None, Answer(OK, 31.0), Forward(29.0))),
    "an answer that makes no sense": Case(sleeping(1.0), (json_response(200, {}),)),
    "a replica that lags": Case(sleeping(1.0), (None, Response(404), Response(404))),
    "a deadline of our own": Case(operations.await_execution(seed(9), 5.0, seed=seed(0)), (RUNNING,) * 200),
    "an answer that is too large": Case(
        operations.request("GET", "/api/v1/x", seed=seed(0), settings=Settings()), (Response(200, body=b"x" * (64 * 1024 * 1024 + 1)),)
    ),
}


def new_token() -> str:
    return "second"


async def new_token_async() -> str:
    return "second"


def token(case: Case) -> Token | None:
    return None if case.token is None else Token.checked(case.token, "token")


def sync_trace(case: Case) -> Trace:
    fake, told = platform(case.script), Told()
    tokens = SyncTokens(token(case), new_token if case.renewed else None)
    try:
        end = repr(drive_sync(case.operation, fake, tokens=tokens, budget=BudgetHolder(RetryBudget(case.balance)), observers=[told]))
    except PlatformClientError as error:
        end = repr(error.to_dict())
    return trace(told), end


async def async_trace(case: Case) -> Trace:
    fake, told = platform(case.script), Told()
    tokens = AsyncTokens(token(case), new_token_async if case.renewed else None)
    try:
        end = repr(await drive(case.operation, fake, tokens=tokens, budget=BudgetHolder(RetryBudget(case.balance)), observers=[told]))
    except PlatformClientError as error:
        end = repr(error.to_dict())
    return trace(told), end


def trace(told: Told) -> list[tuple[float, str, str, str | None]]:
    return [(each.outcome.at, repr(each.outcome), repr(each.action), repr(each.after)) for each in told.decisions]


@pytest.mark.parametrize("name", CASES)
async def test_the_same_script_gives_the_same_decisions_in_every_world(name: str) -> None:
    found = await async_trace(CASES[name])
    assert found == sync_trace(CASES[name])
    assert len(found[0]) > 1


def test_the_cases_end_in_many_ways() -> None:
    errors = {sync_trace(case)[1].split(",")[0] for case in CASES.values()}
    assert len(errors) >= 7


async def test_the_clock_of_an_operation_starts_at_zero_and_a_transport_is_given_the_drivers() -> None:
    fake, told = platform(), Told()
    transport: Any = fake.asynchronous()
    deadlines = noted_deadlines(transport)
    await transport.clock.sleep_until(1000.0)
    await drive(sleeping(1.0), fake, transport=transport, observers=[told])
    assert told.decisions[0].outcome == Started(0.0)
    assert all(0 <= each.outcome.at < 2 for each in told.decisions)
    assert deadlines[:2] == [1300.0, pytest.approx(1030.05, abs=0.01)]


def test_the_clock_of_an_operation_starts_at_zero_in_a_thread_too() -> None:
    fake, told = platform(), Told()
    transport: Any = fake.synchronous()
    deadlines = noted_deadlines(transport)
    transport.clock.sleep_until(1000.0)
    drive_sync(sleeping(1.0), fake, transport=transport, observers=[told])
    assert told.decisions[0].outcome == Started(0.0)
    assert deadlines[:2] == [1300.0, pytest.approx(1030.05, abs=0.01)]


def noted_deadlines(transport: Any) -> list[float]:
    """The deadlines that the transport will be given."""
    deadlines: list[float] = []
    send = transport.send

    def noting(request: object, credentials: object, deadline: float, limits: object, progress: object) -> object:
        deadlines.append(deadline)
        return send(request, credentials, deadline, limits, progress)

    transport.send = noting
    return deadlines


class LateClock:
    """Wakes ten seconds late."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.now, self.run, self.idle = inner.now, inner.run, inner.idle

    async def sleep_until(self, at: float) -> None:
        await self._inner.sleep_until(at + 10.0)


async def test_a_clock_may_wake_past_the_deadline() -> None:
    fake, told = platform(), Told()
    operation = operations.await_execution(seed(9), 5.0, seed=seed(0))
    fake = platform(lambda _: RUNNING)
    with pytest.raises(PlatformTimeoutError):
        await drive(operation, fake, clock=LateClock(fake.asynchronous().clock), observers=[told])
    woke = [each.outcome for each in told.decisions if isinstance(each.outcome, Woke)]
    assert [outcome.at for outcome in woke] == [pytest.approx(10.05, abs=0.01)]


def test_a_pause_that_the_budget_cannot_pay_is_refused_at_once() -> None:
    fake, told, budget = platform((Response(503), Response(503), OK)), Told(), BudgetHolder(RetryBudget(9))
    with pytest.raises(PlatformClientError):
        drive_sync(get(), fake, budget=budget, observers=[told])
    refused = [each for each in told.decisions if isinstance(each.outcome, Refused)]
    assert len(refused) == 1
    assert refused[0].outcome.at == told.decisions[-2].outcome.at
    assert len(fake.requests) == 2
    assert budget.budget.balance == 4


def test_what_ends_well_pays_back() -> None:
    budget = BudgetHolder(RetryBudget(9))
    drive_sync(get(), platform((Response(503), OK)), budget=budget)
    assert budget.budget.balance == 5


def test_no_transport_error_is_in_the_chain_of_an_error() -> None:
    for act in (Lose(kind="connect"), Lose(kind="tls"), Lose(), Lose(effect=True), Lose(kind="too_large")):
        with pytest.raises(PlatformClientError) as raised:
            drive_sync(sleeping(1.0), platform((act,) * 4))
        assert_bare(raised.value)


async def test_no_transport_error_is_in_the_chain_of_an_error_of_a_task() -> None:
    for act in (Lose(kind="connect"), Lose(kind="tls"), Lose(), Lose(effect=True), Lose(kind="too_large")):
        with pytest.raises(PlatformClientError) as raised:
            await drive(sleeping(1.0), platform((act,) * 4))
        assert_bare(raised.value)


def assert_bare(error: BaseException) -> None:
    assert error.__cause__ is None
    assert error.__context__ is None


class PlainTransport:
    """A whole transport of a user's own, for the async driver: it answers with what it was asked."""

    name = "plain"

    async def send(
        self, request: OutgoingRequest, credentials: Credentials, deadline: float, limits: Limits, progress: Progress
    ) -> Response:
        if "down" in request.url:
            raise TransportError("connect", "no")
        progress.sent = "maybe"
        await anyio.lowlevel.checkpoint()
        assert deadline > anyio.current_time()
        return json_response(200, [request.method, request.url, credentials.header, request.headers.get("User-Agent")])

    async def aclose(self) -> None:
        pass


class PlainSyncTransport:
    """The same for the blocking driver."""

    name = "plain"

    def send(self, request: OutgoingRequest, credentials: Credentials, deadline: float, limits: Limits, progress: Progress) -> Response:
        if "down" in request.url:
            raise TransportError("connect", "no")
        progress.sent = "maybe"
        assert deadline > time.monotonic()
        return json_response(200, [request.method, request.url, credentials.header, request.headers.get("User-Agent")])

    def close(self) -> None:
        pass


ECHO = [
    "GET",
    "https://platform.test/api/v1/things",
    "Authorization",
    f"platform-client/{VERSION} (python/{sys.version_info.major}.{sys.version_info.minor}; plain)",
]


async def test_a_transport_of_a_users_own_works_with_the_async_driver() -> None:
    transport = PlainTransport()
    assert await run_async(get(), transport=transport, config=CONFIG, tokens=async_tokens()) == ECHO
    with pytest.raises(PlatformConnectionError):
        await run_async(get("/api/v1/down"), transport=transport, config=CONFIG, tokens=async_tokens(), budget=BudgetHolder(RetryBudget(0)))


def test_a_transport_of_a_users_own_works_with_the_blocking_driver() -> None:
    transport = PlainSyncTransport()
    assert run_sync(get(), transport=transport, config=CONFIG, tokens=sync_tokens()) == ECHO
    with pytest.raises(PlatformConnectionError):
        run_sync(get("/api/v1/down"), transport=transport, config=CONFIG, tokens=sync_tokens(), budget=BudgetHolder(RetryBudget(0)))
