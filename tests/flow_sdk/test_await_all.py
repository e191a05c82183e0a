"""Many executions awaited at once, in each world and in virtual time: each is told once, fairly, at a pace, whatever becomes of others."""

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any
from uuid import UUID

import anyio
import pytest

from flow_sdk import ExecutionHandle, PlatformClient
from flow_sdk.many import Awaited
from flow_sdk.platform_client import (
    PlatformClientError,
    PlatformConnectionError,
    PlatformExecutionCancelledError,
    PlatformExecutionError,
    PlatformNotFoundError,
    PlatformTimeoutError,
)
from platform_core.actions import Gone
from platform_core.handles import Submission
from platform_core.lifecycle import ExecutionStatus
from platform_core.machine import Decision
from platform_core.messages import Headers, Request, Response
from platform_core.schedule import POLLS_PER_SECOND_MAX
from platform_transports.fake import Act, FakePlatform, Lose
from tests.support.closing import Closing
from tests.support.iterating import all_of, first_of
from tests.support.patience import HANG_SECONDS
from tests.support.platform import ECHO, FAIL, SLEEP, executions, modelled, paths
from tests.support.worlds import World

UNKNOWN = "00000000-0000-4000-8000-00000000dead"


class Log:
    """A script that answers nothing itself, and notes when which poll came."""

    def __init__(self, answer: Callable[[float, Request], Act | Response | None] = lambda _at, _request: None) -> None:
        self._answer = answer
        self.polls: list[tuple[float, str]] = []
        self.platform = modelled(self)

    def __call__(self, request: Request) -> Act | Response | None:
        if request.method != "GET":
            return None
        self.polls.append((self.platform.now, request.path.rpartition("/")[2]))
        return self._answer(self.platform.now, request)

    def in_each_second(self) -> list[int]:
        """How many polls came in each second of which any came in."""
        return list(Counter(int(at) for at, _ in self.polls).values())


def submit(world: World, platform: FakePlatform, *seconds: float) -> list[str]:
    """Executions that last so long."""

    async def scenario(client: PlatformClient) -> list[str]:
        return [(await client.submit_code_block_execution(SLEEP, {"seconds": each}))["execution_id"] for each in seconds]

    return world.run(scenario, transport=platform)


def awaited(world: World, platform: FakePlatform, given: Iterable[ExecutionHandle | UUID | str], **arguments: Any) -> list[Awaited]:
    async def scenario(client: PlatformClient) -> list[Awaited]:
        return await all_of(client.await_all(given, **arguments))

    return world.run(scenario, transport=platform)


def summary(ends: Iterable[Awaited]) -> dict[str | None, str]:
    return {handle.execution_id: type(end).__name__ if isinstance(end, Exception) else end["status"] for handle, end in ends}


class TestWhatItYields:
    def test_each_as_it_ends_with_its_own_record(self, world: World) -> None:
        platform = modelled()
        ids = submit(world, platform, 30, 10, 20)
        ends = awaited(world, platform, ids)
        assert [handle.execution_id for handle, _ in ends] == [ids[1], ids[2], ids[0]]
        assert [end["result"] for _, end in ends if not isinstance(end, Exception)] == [{"seconds": 10}, {"seconds": 20}, {"seconds": 30}]

    def test_one_that_is_lost_fails_or_was_cancelled_loses_no_other(self, world: World) -> None:
        platform = modelled()

        async def scenario(client: PlatformClient) -> dict[str | None, str]:
            failing = (await client.submit_code_block_execution(FAIL, {"message": "it broke"}))["execution_id"]
            cancelled = (await client.submit_code_block_execution(SLEEP, {"seconds": 60}))["execution_id"]
            await client.cancel_execution(cancelled)
            good = (await client.submit_code_block_execution(SLEEP, {"seconds": 60}))["execution_id"]
            ends = await all_of(client.await_all([failing, UNKNOWN, cancelled, good]))
            assert all(names(end, each) for each, end in ends if isinstance(end, Exception))
            return {name: summary(ends)[each] for name, each in (("f", failing), ("u", UNKNOWN), ("c", cancelled), ("g", good))}

        assert world.run(scenario, transport=platform) == {
            "f": PlatformExecutionError.__name__,
            "u": PlatformNotFoundError.__name__,
            "c": PlatformExecutionCancelledError.__name__,
            "g": "completed",
        }

    def test_a_handle_comes_back_as_it_was_given_and_an_id_as_its_handle(self, world: World) -> None:
        platform = modelled()
        first, second = submit(world, platform, 1, 2)
        handle = ExecutionHandle("code_block", first, None, 60.0, 3, "cancel")
        ends = awaited(world, platform, [handle, UUID(second)])
        assert [each for each, _ in ends] == [handle, ExecutionHandle("execution", second, None, 3600.0, 0, "detach")]

    def test_a_handle_without_an_id_is_submitted_with_its_key(self, world: World) -> None:
        platform = modelled()
        key = UUID("5eed0000-0000-4000-8000-00000000beef")
        submission = Submission(key, f"/api/v1/code-blocks/{ECHO}/executions", b'{"input_parameters":{"a":1}}')
        handle = ExecutionHandle("code_block", None, submission, 60.0, 1, "detach")
        ends = awaited(world, platform, [handle, handle])
        assert [(each, end["result"]) for each, end in ends if not isinstance(end, Exception)] == [(handle, {"a": 1})] * 2
        assert len(executions(platform)) == 1

    def test_none_are_over_at_once_and_two_of_one_are_two(self, world: World) -> None:
        platform = modelled()
        assert awaited(world, platform, []) == []
        (one,) = submit(world, platform, 1)
        assert len(awaited(world, platform, [one, one])) == 2

    def test_a_deadline_that_passes_is_the_end_of_its_own_run_alone(self, world: World) -> None:
        platform = modelled()
        short, long = submit(world, platform, 300, 100)
        ends = awaited(world, platform, [ExecutionHandle("execution", short, None, 40.0, 0, "cancel"), long])
        assert summary(ends) == {short: PlatformTimeoutError.__name__, long: "completed"}
        assert [each.status for each in executions(platform)] == [ExecutionStatus.CANCELLED, ExecutionStatus.COMPLETED]


class TestOrderAndPace:
    def test_all_are_watched_at_the_same_time_and_none_is_passed_over(self, world: World) -> None:
        log = Log()
        ids = submit(world, log.platform, *[60.0] * 40)
        assert len(awaited(world, log.platform, ids, concurrency=3)) == 40
        counts = Counter(execution_id for _, execution_id in log.polls)
        assert set(counts) == set(ids)
        assert max(counts.values()) - min(counts.values()) <= 3
        for execution_id in ids:
            times = [at for at, polled in log.polls if polled == execution_id]
            assert max(later - earlier for earlier, later in pairwise(times)) < 1.2, "the plan's longest pause, and the pace"

    def test_polls_go_out_one_by_one_and_no_more_a_second_than_the_limit(self, world: World) -> None:
        log = Log()
        ids = submit(world, log.platform, *[5.0] * 1200)
        log.polls.clear()
        assert len(awaited(world, log.platform, ids)) == 1200
        assert [execution_id for _, execution_id in log.polls[:1200]] == ids, "first, each of them once"
        assert max(log.in_each_second()) <= POLLS_PER_SECOND_MAX + 1
        assert min(later - earlier for (earlier, _), (later, _) in pairwise(log.polls)) > 0.9 / POLLS_PER_SECOND_MAX

    def test_no_more_requests_are_in_flight_than_allowed(self, world: World) -> None:
        platform = modelled(
            lambda request: Lose(kind="timeout", after_seconds=20) if request.method == "GET" and platform.now < 60 else None
        )
        ids = submit(world, platform, *[1.0] * 12)
        flying = Counter[int]()

        def note(decision: Decision) -> None:
            flying[int(platform.now)] += type(decision.after).__name__ == "Polling"

        async def scenario(client: PlatformClient) -> list[Awaited]:
            if not world.is_async:
                platform.together(4)  # threads do not begin at once
            return await all_of(client.await_all(ids, concurrency=4))

        assert len(world.run(scenario, transport=platform, observers=[note])) == 12
        assert [flying[second] for second in range(60) if flying[second]] == [4, 4, 4]

    def test_an_outage_of_a_minute_loses_none_and_no_herd_comes_after_it(self, world: World) -> None:
        log = Log(lambda at, _: Lose(kind="connect") if 10 <= at < 70 else None)
        ids = submit(world, log.platform, *[75.0] * 800)
        log.polls.clear()
        ends = awaited(world, log.platform, ids)
        assert set(summary(ends).values()) == {"completed"}
        assert len(ends) == 800
        assert max(log.in_each_second()) <= POLLS_PER_SECOND_MAX + 1

    def test_a_platform_that_limits_its_callers_is_heeded_by_all_runs(self, world: World) -> None:
        refusal = Response(429, Headers((("Retry-After", "20"),)))
        log = Log(lambda at, _: refusal if 2 <= at < 20 else None)
        ids = submit(world, log.platform, *[30.0] * 300)
        assert set(summary(awaited(world, log.platform, ids)).values()) == {"completed"}
        assert sum(2 <= at < 20 for at, _ in log.polls) < 110, "those that had their turn, and no others"


class TestProgress:
    def test_it_is_told_as_each_ends(self, world: World) -> None:
        platform, told = modelled(), list[tuple[int, int]]()
        ids = [*submit(world, platform, 1, 2), UNKNOWN]

        def tell(ended: int, total: int) -> None:
            told.append((ended, total))

        awaited(world, platform, ids, on_progress=tell)
        assert told == [(1, 3), (2, 3), (3, 3)]

    @pytest.mark.filterwarnings("ignore:on_progress failed:RuntimeWarning")
    def test_what_it_raises_ends_no_run_and_it_is_not_called_again(self, world: World) -> None:
        platform, told = modelled(), list[int]()

        def fail(ended: int, _: int) -> None:
            told.append(ended)
            raise LookupError("a bug")

        assert len(awaited(world, platform, submit(world, platform, 1, 2), on_progress=fail)) == 2
        assert told == [1]


class TestLeaving:
    def test_who_leaves_early_leaves_nothing_running_here_and_everything_there(self, world: World) -> None:
        platform, told = modelled(), list[int]()
        # So long that virtual time does not come to their ends before a thread that leaves them has its turn.
        ids = submit(world, platform, 1, 3000, 3000, 3000)
        handles = [ExecutionHandle("execution", each, None, 3600.0, 0, "cancel") for each in ids]

        async def scenario(client: PlatformClient) -> Awaited:
            return await first_of(client.await_all(handles, on_progress=lambda ended, _: told.append(ended)))

        assert world.run(scenario, transport=platform)[0] == handles[0]
        assert told == [1]
        assert sorted(each.status for each in executions(platform)) == ["completed", "running", "running", "running"]
        assert not any(path.startswith("POST") and path.endswith("/cancel") for path in paths(platform))

    def test_a_client_that_is_closed_yields_what_was_left_as_errors_with_handles(self, world: World) -> None:
        platform = modelled()
        ids = submit(world, platform, *[60.0] * 5)
        closing = Closing(world, platform)
        seen: list[str] = []

        def observer(decision: Decision) -> None:
            seen.append(type(decision.after).__name__)
            if seen.count("Waiting") == 2:
                closing.now()

        async def scenario(client: PlatformClient) -> Any:
            return await closing.during(client, lambda: all_of(client.await_all(ids, concurrency=2)))

        ends = world.run(scenario, transport=platform, observers=[observer])
        assert sorted(handle.execution_id for handle, _ in ends) == sorted(ids)
        assert {type(end) for _, end in ends} == {PlatformClientError}
        assert all("closed" in str(end) and names(end, handle) for handle, end in ends)

    def test_a_closed_client_awaits_nothing(self, world: World) -> None:
        async def scenario(client: PlatformClient) -> None:
            await client.close()
            with pytest.raises(PlatformClientError, match=r"^the client is closed"):
                client.await_all([UNKNOWN])

        world.run(scenario, transport=modelled())

    def test_a_bug_of_a_transport_is_raised_where_it_is_waited_for_and_the_others_come(self, world: World) -> None:
        platform = modelled(lambda request: explode() if request.path.endswith(UNKNOWN) else None)
        (good,) = submit(world, platform, 1)

        async def scenario(client: PlatformClient) -> None:
            ends = client.await_all([UNKNOWN, good])
            with pytest.raises(ZeroDivisionError):
                await first_of(ends)
            if world.is_async:  # a generator is over once it has raised
                assert summary([await first_of(ends)]) == {good: "completed"}

        world.run(scenario, transport=platform)


class TestEventLoops:
    """What only a task can do to a loop over executions: be cancelled in it, and be gone before it."""

    async def test_who_is_cancelled_in_the_loop_leaves_the_others_and_nothing_more_is_sent(self) -> None:
        platform = modelled()
        clock = platform.asynchronous().clock
        async with PlatformClient("https://platform.test", "a-token", transport=platform, env={}) as client:
            ids = [(await client.submit_code_block_execution(SLEEP, {"seconds": 60}))["execution_id"] for _ in range(5)]
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(all_of, client.await_all(ids, concurrency=2))
                with anyio.fail_after(HANG_SECONDS):
                    while len(platform.requests) < 20:
                        await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()
            with clock.run():
                await clock.sleep_until(platform.now + 5)  # whoever slept is gone by now
                sent = len(platform.requests)
                await clock.sleep_until(100.0)
        assert 20 <= sent == len(platform.requests)
        assert [each.status for each in executions(platform)] == [ExecutionStatus.COMPLETED] * 5

    async def test_nobody_sleeps_to_its_next_poll_once_the_client_is_closed(self) -> None:
        platform = modelled()
        clock = platform.asynchronous().clock
        client = PlatformClient("https://platform.test", "a-token", transport=platform, env={})
        ids = [(await client.submit_code_block_execution(SLEEP, {"seconds": 60}))["execution_id"] for _ in range(3)]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(all_of, client.await_all(ids, concurrency=1))  # one sleeps, two wait for their turn to sleep
            with clock.run():
                await clock.sleep_until(5.0)
                await client.close()
                for _ in range(50):
                    await anyio.lowlevel.checkpoint()
        assert platform.now == 5.0

    def test_an_event_loop_that_ends_first_ends_every_run(self, anyio_backend_name: str) -> None:
        platform, decisions, kept = modelled(), list[Decision](), list[Any]()

        async def main() -> None:
            client = PlatformClient("https://platform.test", "a-token", transport=platform, env={}, observers=[decisions.append])
            kept.append(client)
            submitted = [await client.submit_code_block_execution(SLEEP, {"seconds": each}) for each in (1, 3000, 3000)]
            kept.append(client.await_all([each["execution_id"] for each in submitted], concurrency=2))
            await anext(kept[1])
            decisions.clear()

        anyio.run(main, backend=anyio_backend_name)
        assert [str(each.action.report.fate) for each in decisions if isinstance(each.action, Gone)] == ["left", "left"]


class TestBadInput:
    @pytest.mark.parametrize(
        ("given", "error", "words"),
        [
            (UNKNOWN, TypeError, r"^handles_or_ids must be an iterable of handles or ids, not str$"),
            (None, TypeError, r"^handles_or_ids must be an iterable of handles or ids, not NoneType$"),
            ([UNKNOWN, 5], TypeError, r"^handles_or_ids\[1\] must be "),
            ([UNKNOWN, ""], ValueError, r"^handles_or_ids\[1\] must not be empty"),
            ([ExecutionHandle("execution", UNKNOWN, None, -1.0, 0, "detach")], ValueError, r"^handles_or_ids\[0\]: handle"),
        ],
    )
    def test_what_cannot_be_awaited_is_refused_before_anything_is_sent(self, world: World, given: Any, error: Any, words: str) -> None:
        platform = modelled()

        async def scenario(client: PlatformClient) -> None:
            with pytest.raises(error, match=words):
                client.await_all(given)

        world.run(scenario, transport=platform)
        assert platform.requests == []

    @pytest.mark.parametrize(
        ("arguments", "error", "words"),
        [
            ({"concurrency": 0}, ValueError, r"^concurrency must be at least 1, not 0$"),
            ({"concurrency": 2.5}, TypeError, r"^concurrency must be a whole number, not float$"),
            ({"on_progress": 5}, TypeError, r"^on_progress must be callable, not int$"),
        ],
    )
    def test_the_options_are_checked(self, world: World, arguments: Any, error: Any, words: str) -> None:
        async def scenario(client: PlatformClient) -> None:
            with pytest.raises(error, match=words):
                client.await_all([UNKNOWN], **arguments)

        world.run(scenario, transport=modelled())


def test_no_answer_at_all_is_an_error_by_the_deadline(world: World) -> None:
    platform = modelled(lambda _: Lose(kind="connect"))
    handle = ExecutionHandle("execution", UNKNOWN, None, 30.0, 0, "detach")
    ((_, error),) = awaited(world, platform, [handle])
    assert isinstance(error, (PlatformConnectionError, PlatformTimeoutError))
    assert 30 <= platform.now < 36


def names(error: PlatformClientError, handle: ExecutionHandle) -> bool:
    return error.handle is not None and error.handle.execution_id == handle.execution_id


def explode() -> Response:
    raise ZeroDivisionError
