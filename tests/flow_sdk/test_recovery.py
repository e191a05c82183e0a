"""Recovery: whatever moment a process dies at, another one goes on with its runs, in any world, and nothing runs twice."""

import contextlib
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from flow_sdk import Journal, PlatformClient
from flow_sdk.many import Recovered
from flow_sdk.platform_client import (
    PlatformClientError,
    PlatformExecutionCancelledError,
    PlatformExecutionError,
    PlatformJournalError,
    PlatformPermissionError,
)
from platform_core import operations
from platform_core.actions import Sleep
from platform_core.execution import Waiting
from platform_core.lifecycle import ExecutionStatus
from platform_core.machine import Decision, Operation
from platform_core.messages import Response
from platform_core.records import ExecutionRecord
from platform_transports.fake import FakePlatform
from platform_transports.journal_lines import InvalidJournal, entries, unfinished
from platform_transports.replay import replay
from tests.support.closing import Closing
from tests.support.driven import drive_sync, seed
from tests.support.platform import FAIL, SLEEP, executions, heading, modelled
from tests.support.worlds import World

SECONDS = 0.1
ENDED = {"seconds": SECONDS}


def sleeping(number: int = 0, **arguments: Any) -> Operation[ExecutionRecord]:
    return operations.execute_code_block(SLEEP, {"seconds": SECONDS}, seed=seed(number), **arguments)


class Dying:
    """A journal of a process that dies with the decision of this number, from 1: once it is stored, and performed or not."""

    def __init__(self, journal: Journal, number: int, *, performed: bool) -> None:
        self._journal = journal
        self._stored = 0
        self._number = number
        self._performed = performed

    def __call__(self, decision: Decision) -> None:
        if self._stored == self._number:
            raise OSError("dead")
        self._journal(decision)
        self._stored += 1
        if self._stored == self._number and not self._performed:
            raise OSError("dead")


class Interrupt:
    """An observer by which the caller goes away in the first pause."""

    def __init__(self) -> None:
        self._left = False

    def __call__(self, decision: Decision) -> None:
        if isinstance(decision.action, Sleep) and not self._left:
            self._left = True
            raise KeyboardInterrupt


def die(path: Path, platform: FakePlatform, number: int, *, performed: bool, cancelled: bool) -> None:
    """Run in a process that dies so; what was not stored by then is not done."""
    observers = [Interrupt()] if cancelled else []
    with Journal(path, "never") as journal, contextlib.suppress(KeyboardInterrupt, PlatformJournalError), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # where it is the end that is not stored
        dying = Dying(journal, number, performed=performed)
        try:
            drive_sync(sleeping(), platform, journal=dying, observers=observers)
        finally:
            journal.release([sleeping().seed])


def whole(folder: Path, *, cancelled: bool) -> list[bytes]:
    """The lines of a run whose process does not die."""
    path = folder / "whole"
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    die(path, modelled(), 1000, performed=True, cancelled=cancelled)
    return path.read_bytes().splitlines(keepends=True)


async def ends_of(ends: AsyncIterator[Recovered]) -> list[Recovered]:
    """All of them, of a client of any world."""
    if isinstance(ends, Iterator):
        return list(cast("Iterator[Recovered]", ends))
    return [each async for each in ends]


def recovered(world: World, platform: FakePlatform, path: Path | Journal, **arguments: Any) -> list[Recovered]:
    async def scenario(client: PlatformClient) -> list[Recovered]:
        return await ends_of(client.recover(path))

    return world.run(scenario, transport=platform, **arguments)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


class TestAnyMoment:
    @pytest.mark.parametrize("performed", [False, True], ids=["not performed", "performed"])
    def test_a_run_that_dies_ends_as_it_would_have_and_has_run_once(self, world: World, tmp_path: Path, performed: bool) -> None:
        lines = whole(tmp_path, cancelled=False)
        assert len(lines) > 5
        for number in range(1, len(lines)):
            platform, path = modelled(), tmp_path / str(number)
            die(path, platform, number, performed=performed, cancelled=False)
            ((handle, end),) = recovered(world, platform, path)
            assert not isinstance(end, PlatformClientError), number
            assert (end["status"], end["result"]) == ("completed", ENDED)
            assert handle is not None
            assert [each.execution_id for each in executions(platform)] == [handle.execution_id]
            assert len({key for key in heading(platform, "Idempotency-Key") if key}) == 1
            assert recovered(world, platform, path) == [], "it has ended, and the journal says so"
            assert replay(path).difference is None

    @pytest.mark.parametrize("performed", [False, True], ids=["not performed", "performed"])
    def test_a_cancel_that_was_decided_is_carried_out_and_one_that_was_not_is_not(
        self, world: World, tmp_path: Path, performed: bool
    ) -> None:
        lines = whole(tmp_path, cancelled=True)
        decided = next(number for number, line in enumerate(lines, 1) if b'"type":"abandoned"' in line)
        assert 2 < decided < len(lines)
        for number in range(1, len(lines)):
            platform, path = modelled(), tmp_path / str(number)
            die(path, platform, number, performed=performed, cancelled=True)
            ((_, end),) = recovered(world, platform, path)
            (execution,) = executions(platform)
            if number < decided:
                assert execution.status is ExecutionStatus.COMPLETED, number
                continue
            assert isinstance(end, PlatformExecutionCancelledError), number
            assert execution.status is ExecutionStatus.CANCELLED, number
            assert recovered(world, platform, path) == []

    def test_before_the_submission_was_stored_there_is_nothing(self, world: World, path: Path) -> None:
        platform = modelled()
        die(path, platform, 0, performed=False, cancelled=False)
        assert not path.exists()
        assert recovered(world, platform, path) == []
        assert executions(platform) == []


class TestCutAtEveryByte:
    """A file of which a power cut has left as much: whatever stands in no whole line is as if it had not been stored."""

    @pytest.mark.parametrize("cancelled", [False, True], ids=["executed", "cancelled"])
    def test_nothing_else_is_read_than_what_the_whole_lines_say(self, tmp_path: Path, cancelled: bool) -> None:
        lines, path = whole(tmp_path, cancelled=cancelled), tmp_path / "cut"
        values = [each.read_value() for each in entries(tmp_path / "whole")]
        for number, line in enumerate(lines):
            # Each line tells where its run is by itself, so that the last whole one and half of the next are enough to look at.
            before = lines[max(0, number - 1) : number]
            path.write_bytes(b"".join(before))
            with path.open("ab", buffering=0) as file:
                for size in range(len(line)):
                    assert [each.number for each in entries(path)] == [1] * len(before), (number, size)
                    file.write(line[size : size + 1])
            path.write_bytes(b"".join(before) + line[:-1])
            assert unfinished(path) == ({sleeping().seed: values[number - 1]} if number else {})
        assert unfinished(tmp_path / "whole") == {}

    @pytest.mark.parametrize("cancelled", [False, True], ids=["executed", "cancelled"])
    def test_what_the_platform_has_done_since_is_not_done_again(self, world: World, tmp_path: Path, cancelled: bool) -> None:
        lines = whole(tmp_path, cancelled=cancelled)
        for number in range(len(lines) + 1):
            for half in (b"", b"{", *(lines[number][:-1] for _ in range(number < len(lines)))):
                platform, path = modelled(), tmp_path / "journal"
                path.unlink(missing_ok=True)
                die(tmp_path / "all", platform, 1000, performed=True, cancelled=cancelled)
                (tmp_path / "all").unlink()
                path.write_bytes(b"".join(lines[:number]) + half)
                ends = recovered(world, platform, path)
                assert len(ends) == (0 < number < len(lines))
                assert len(executions(platform)) == 1, (number, half)

    def test_a_submission_that_was_not_sent_is_sent_once_its_line_is_whole(self, world: World, tmp_path: Path) -> None:
        submission, path = whole(tmp_path, cancelled=False)[0], tmp_path / "journal"
        for size in (*range(0, len(submission), 97), len(submission) - 1, len(submission)):
            path.write_bytes(submission[:size])
            platform = modelled()
            ends = recovered(world, platform, path)
            assert len(executions(platform)) == len(ends) == (size == len(submission)), size


class TestWhatItYields:
    def test_every_run_as_it_ends_also_where_that_is_an_error(self, world: World, path: Path) -> None:
        slow = operations.execute_code_block(SLEEP, {"seconds": 30}, seed=seed(1))
        failing = operations.execute_code_block(FAIL, {"message": "it broke"}, seed=seed(2))
        store(path, slow, failing, sleeping(3), operations.submit_code_block_execution(SLEEP, {"seconds": 1}, seed=seed(4)))
        platform = modelled()
        ends = recovered(world, platform, path)
        assert all(handle is not None and handle.execution_id for handle, _ in ends)
        assert sorted(type(end).__name__ for _, end in ends) == ["PlatformExecutionError", "dict", "dict", "dict"]
        assert isinstance(ends[-1][1], dict)
        assert ends[-1][1]["result"] == {"seconds": 30}
        assert len(executions(platform)) == 4
        assert unfinished(path) == {}

    def test_a_run_that_is_refused_is_named_by_what_it_submits(self, world: World, path: Path) -> None:
        store(path, sleeping())
        ((handle, error),) = recovered(world, FakePlatform(lambda _: Response(403)), path)
        assert isinstance(error, PlatformPermissionError)
        assert handle is not None
        assert handle.submission is not None
        assert handle.submission.body == b'{"input_parameters":{"seconds":0.1}}'

    def test_a_cancel_is_carried_out(self, world: World, path: Path) -> None:
        platform = modelled()

        async def submit(client: PlatformClient) -> str:
            return (await client.submit_code_block_execution(SLEEP, {"seconds": 60}))["execution_id"]

        execution_id = world.run(submit, transport=platform)
        store(path, operations.cancel_execution(execution_id, seed=seed(5)))
        ((handle, record),) = recovered(world, platform, path)
        assert handle is not None
        assert handle.execution_id == execution_id
        assert isinstance(record, dict)
        assert record["status"] == "cancelled"

    def test_an_error_is_yielded_with_its_handle(self, world: World, path: Path) -> None:
        store(path, operations.execute_code_block(FAIL, {"message": "no"}, seed=seed(1)))
        ((handle, error),) = recovered(world, modelled(), path)
        assert isinstance(error, PlatformExecutionError)
        assert handle == error.handle


class TestLeaving:
    def test_who_leaves_early_leaves_the_others_to_be_recovered_another_time(self, world: World, path: Path) -> None:
        store(path, operations.execute_code_block(SLEEP, {"seconds": 60}, seed=seed(1)), sleeping(2))
        platform = modelled()

        async def scenario(client: PlatformClient) -> Recovered:
            ends = client.recover(path)
            if isinstance(ends, Iterator):
                return next(cast("Iterator[Recovered]", ends))
            return await anext(ends)

        _, end = world.run(scenario, transport=platform)
        assert isinstance(end, dict)
        assert end["result"] == ENDED
        assert {each.status for each in executions(platform)} == {ExecutionStatus.RUNNING, ExecutionStatus.COMPLETED}, "none was cancelled"
        assert list(unfinished(path)) == [seed(1)]
        assert replay(path).difference is None
        ((_, end),) = recovered(world, platform, path)
        assert isinstance(end, dict)
        assert len(executions(platform)) == 2

    def test_a_client_that_is_closed_yields_what_was_left_as_errors(self, world: World, path: Path) -> None:
        store(path, *(operations.execute_code_block(SLEEP, {"seconds": 60}, seed=seed(number)) for number in range(3)))
        platform = modelled()
        closing = Closing(world, platform)

        def observer(decision: Decision) -> None:
            if isinstance(decision.after, Waiting):
                closing.now()

        async def scenario(client: PlatformClient) -> Any:
            return await closing.during(client, lambda: ends_of(client.recover(path)))

        ends = world.run(scenario, transport=platform, observers=[observer])
        assert len(ends) == 3
        assert {type(end) for _, end in ends} == {PlatformClientError}
        assert all(handle is not None for handle, _ in ends)
        assert all("closed" in str(end) for _, end in ends)
        assert set(unfinished(path)) == {seed(number) for number in range(3)}

    def test_a_closed_client_recovers_nothing(self, world: World, path: Path) -> None:
        async def scenario(client: PlatformClient) -> None:
            await client.close()
            with pytest.raises(PlatformClientError, match=r"^the client is closed"):
                client.recover(path)

        store(path, sleeping())
        world.run(scenario, transport=modelled())


class TestJournals:
    def test_the_clients_own_one_is_taken_by_its_path_and_the_runs_under_way_are_not(self, world: World, path: Path) -> None:
        store(path, sleeping())
        platform = modelled()

        async def scenario(client: PlatformClient) -> list[Recovered]:
            await client.execute_code_block(SLEEP, {"seconds": 1})
            return await ends_of(client.recover(path))

        assert len(world.run(scenario, transport=platform, journal=str(path))) == 1
        assert len(executions(platform)) == 2
        assert unfinished(path) == {}

    def test_one_that_is_handed_in_stays_open(self, world: World, path: Path) -> None:
        store(path, sleeping())
        with Journal(path, "never") as journal:
            assert len(recovered(world, modelled(), journal)) == 1
            with pytest.raises(PlatformJournalError, match="in use"):
                recovered(world, modelled(), path)
            assert recovered(world, modelled(), journal) == []

    def test_recovered_runs_are_written_where_they_were_and_not_into_the_clients_own(self, world: World, path: Path) -> None:
        store(path, sleeping())
        with Journal(path.with_name("own"), "never") as own:
            recovered(world, modelled(), path, journal=own)
        assert unfinished(path) == {}
        assert not own.path.exists()

    def test_one_whose_writer_lives_is_refused(self, world: World, path: Path) -> None:
        with Journal(path, "never") as journal:
            store_with(journal, sleeping())
            with pytest.raises(PlatformJournalError, match=r"^the journal is in use"):
                recovered(world, modelled(), path)
        ((_, end),) = recovered(world, modelled(), path)
        assert isinstance(end, dict)

    def test_what_is_no_journal_is_refused(self, world: World, path: Path) -> None:
        path.write_text("my thesis\n", encoding="utf-8")
        with pytest.raises(PlatformJournalError, match="no journal"):
            recovered(world, modelled(), path)

    def test_one_of_another_schema_is_refused_and_left_as_it_is(self, world: World, path: Path) -> None:
        store(path, sleeping())
        content = path.read_bytes().replace(b'"schema":1', b'"schema":9')
        path.write_bytes(content)
        for _ in range(2):
            with pytest.raises(InvalidJournal, match="this version reads no other"):
                recovered(world, modelled(), path)
        assert path.read_bytes() == content

    @pytest.mark.parametrize("wrong", [None, 5, b"x"])
    def test_anything_else_is_a_type_error(self, world: World, wrong: Any) -> None:
        async def scenario(client: PlatformClient) -> None:
            with pytest.raises(TypeError, match=r"^journal must be a path or a flow_sdk\.Journal, not "):
                client.recover(wrong)

        world.run(scenario, transport=modelled())


def store(path: Path, *runs: Operation[Any]) -> None:
    """A journal of a process that died when it had stored what these begin with."""
    with Journal(path, "never") as journal:
        store_with(journal, *runs)


def store_with(journal: Journal, *runs: Operation[Any]) -> None:
    for operation in runs:
        with contextlib.suppress(PlatformJournalError):
            drive_sync(operation, modelled(), journal=Dying(journal, 1, performed=False))
    journal.release([each.seed for each in runs])
