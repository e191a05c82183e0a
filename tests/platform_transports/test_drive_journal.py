"""Runs with a journal: what is stored before what, what becomes of a run whose journal fails, and interrupts at every line."""

import errno
import gc
import os
from pathlib import Path
from typing import Any

import pytest

from platform_core.actions import Done, Gone, Send
from platform_core.errors import PlatformJournalError
from platform_core.handles import ExecutionHandle
from platform_core.lifecycle import ExecutionStatus
from platform_core.machine import Decision
from platform_core.records import ExecutionRecord
from platform_transports.fake import FakePlatform
from platform_transports.journal import Journal
from platform_transports.journal_lines import entries, unfinished
from platform_transports.replay import replay
from tests.support.driven import Told, drive, drive_sync, executions, get, platform, sleeping
from tests.support.interrupts import Interrupts, traced

TRACED = traced("drive", "run", "journal", "journal_lines")


class Failing:
    """A journal that cannot store the decision of this number, nor any after it."""

    def __init__(self, number: int, error: Exception | None = None) -> None:
        self.stored: list[Decision] = []
        self.asked = 0
        self._number = number
        self._error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) if error is None else error

    def __call__(self, decision: Decision) -> None:
        self.asked += 1
        if len(self.stored) == self._number:
            raise self._error
        self.stored.append(decision)


async def run_async(fake: FakePlatform, journal: Any, told: Told) -> ExecutionRecord:
    return await drive(sleeping(0.3), fake, journal=journal, observers=[told])


async def run_sync(fake: FakePlatform, journal: Any, told: Told) -> ExecutionRecord:
    return drive_sync(sleeping(0.3), fake, journal=journal, observers=[told])


RUNS = {"in a task": run_async, "in a thread": run_sync}


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
class TestFailing:
    async def test_what_cannot_be_stored_is_not_performed_and_ends_the_run_with_its_handle(self, run: Any) -> None:
        whole = Told()
        await run(platform(), whole, Told())
        for number in range(len(whole.decisions) - 1):
            fake, journal, told = platform(), Failing(number), Told()
            with pytest.raises(PlatformJournalError, match="No space left on device") as caught:
                await run(fake, journal, told)
            sends = [each.action for each in journal.stored if isinstance(each.action, Send)]
            assert len(fake.requests) == len(sends), "nothing was sent that was not stored"
            assert journal.asked == number + 1, "and it was not asked again"
            assert caught.value.__cause__ is caught.value.__context__ is None
            assert isinstance(told.decisions[-1].action, Gone)
            if not sends:
                assert (executions(fake), caught.value.handle) == ((), None)
                assert "nothing was started on the platform" in str(caught.value)
                continue
            assert caught.value.attempts == len(sends)
            assert caught.value.request_id == sends[-1].request.headers.get("X-Request-ID")
            assert isinstance(caught.value.handle, ExecutionHandle)
            (execution,) = executions(fake)
            assert execution.status is not ExecutionStatus.CANCELLED, "a cancel would have had to be stored, too"
            assert caught.value.handle.execution_id in (None, execution.execution_id)

    async def test_an_end_that_cannot_be_stored_is_handed_over_with_a_warning(self, run: Any) -> None:
        whole = Told()
        await run(platform(), whole, Told())
        told = Told()
        with pytest.warns(RuntimeWarning, match=r"No space left on device; the end of this run is not in it$"):
            record = await run(platform(), Failing(len(whole.decisions) - 1), told)
        assert record["status"] == "completed"
        assert isinstance(told.decisions[-1].action, Done)

    @pytest.mark.parametrize(
        ("error", "text"),
        [
            (PlatformJournalError("the journal is in use"), "the journal is in use; nothing was started"),
            (KeyError("bug"), "the journal failed: KeyError: 'bug'; nothing was started"),
        ],
    )
    async def test_whatever_it_raises_stops_the_run(self, run: Any, error: Exception, text: str) -> None:
        with pytest.raises(PlatformJournalError) as caught:
            await run(platform(), Failing(0, error), Told())
        assert caught.value.message.startswith(text)

    async def test_it_is_told_before_all_observers(self, run: Any) -> None:
        events: list[str] = []

        class First(Told):
            def __call__(self, decision: Decision) -> None:
                events.append("observer")

        def journal(decision: Decision) -> None:
            events.append("journal")

        await run(platform(), journal, First())
        assert events == ["journal", "observer"] * (len(events) // 2)

    async def test_other_observers_are_warned_about_and_it_goes_on(self, run: Any) -> None:
        class Broken(Told):
            def __call__(self, decision: Decision) -> None:
                raise ValueError("a bug")

        kept = Told()
        with pytest.warns(RuntimeWarning, match="an observer failed"):
            await run(platform(), kept, Broken())
        assert isinstance(kept.decisions[-1].action, Done)


def test_an_interrupt_stays_one_where_the_journal_fails_during_the_clean_up() -> None:
    fake, told = platform(), Told()
    journal = Failing(5)

    def interrupt(decision: Decision) -> None:
        if len(told.decisions) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        drive_sync(sleeping(60.0), fake, journal=journal, observers=[told, interrupt])
    assert [str(told.report)] == caught.value.__notes__
    assert [each.status for each in executions(fake)] == [ExecutionStatus.RUNNING]


def test_with_a_journal_a_run_ends_as_without_and_is_in_it(tmp_path: Path) -> None:
    told, fake = Told(), platform()
    with Journal(tmp_path / "j", "never") as journal:
        drive_sync(sleeping(1.0), fake, journal=journal, observers=[told])
        drive_sync(get("/api/v1/tenants/orgs"), fake, journal=journal)
    assert [each.read_value() for each in entries(tmp_path / "j")] == [each.after for each in told.decisions]
    assert replay(journal).difference is None


def test_a_decision_is_on_the_disk_before_it_is_performed(tmp_path: Path) -> None:
    path = tmp_path / "j"
    stored: list[str] = []

    def script(request: object) -> None:
        *_, last = entries(path)
        stored.append(last.action["type"])

    fake = FakePlatform(script, model=platform().model)
    with Journal(path, "never") as journal:
        drive_sync(sleeping(0.3), fake, journal=journal)
    assert stored == ["send"] * len(fake.requests)
    assert len(stored) > 2


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # an interrupt may come between a file's opening and its being kept
def test_an_interrupt_at_any_line_leaves_a_journal_that_is_whole_and_true(tmp_path: Path) -> None:
    def scene(number: int) -> tuple[Interrupts, BaseException | None, Told, FakePlatform, Path]:
        path = tmp_path / str(number)
        told, fake = Told(), platform()
        with Journal(path, "never") as journal:
            interrupts = Interrupts(TRACED, *([] if number < 0 else [number]))
            raised = interrupts.run(lambda: drive_sync(sleeping(0.1), fake, journal=journal, observers=[told]))
            journal.release([sleeping(0.1).seed])
        return interrupts, raised, told, fake, path

    lines = scene(-1)[0].lines
    tried = 0
    for number in range(0, lines, 3):
        _, raised, told, fake, path = scene(number)
        assert isinstance(raised, KeyboardInterrupt), number
        if not path.exists() or not path.stat().st_size:
            assert fake.requests == [], number
            continue
        tried += 1
        assert replay(path).difference is None, (number, str(replay(path)))
        assert unfinished(path) == {}, number
        *_, last = entries(path)
        assert last.read_value() == told.decisions[-1].after
    assert lines > 1500
    assert tried > lines / 4
    gc.collect()  # while such a file may still go unnoticed
