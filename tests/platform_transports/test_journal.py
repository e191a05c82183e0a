"""The journal's file: whole lines, written before what they decide on, for its owner alone, by one writer."""

# Some faults can be put in at the file alone.
# pyright: reportPrivateUsage=false

import errno
import os
import stat
import subprocess
import sys
import threading
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from platform_core.errors import PlatformJournalError
from platform_core.machine import Decision
from platform_core.outcomes import Started
from platform_transports import journal as journal_module
from platform_transports.journal import Journal
from platform_transports.journal_lines import InvalidJournal, entries, unfinished, written
from tests.support.core import heard
from tests.support.driven import get, sleeping

OWNER_ALONE = 0o600


def decision(number: int = 0, after: Any = None) -> Decision:
    """The first decision of a run, or the one after this outcome."""
    before = sleeping(1.0, number=number)
    if after is None:
        return Decision(before.seed, before, Started(0.0), *before.step(Started(0.0)))
    before, _ = before.step(Started(0.0))
    return Decision(before.seed, before, after, *before.step(after))


def line(number: int = 0, after: Any = None) -> bytes:
    found = written(decision(number, after))
    assert found is not None
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


class TestArguments:
    @pytest.mark.parametrize("wrong", [None, 5, b"x", ["a"]])
    def test_a_path_is_a_text_or_a_path(self, wrong: Any) -> None:
        with pytest.raises(TypeError, match=r"^path must be a str or a path, not "):
            Journal(wrong)

    def test_a_path_is_not_empty(self) -> None:
        with pytest.raises(ValueError, match=r"^path must not be empty$"):
            Journal("")

    @pytest.mark.parametrize("wrong", ["sometimes", None, True])
    def test_sync_is_always_or_never(self, wrong: Any) -> None:
        with pytest.raises(ValueError, match=r"^sync must be one of always, never, not "):
            Journal("x", wrong)

    def test_nothing_is_opened_before_there_is_something_to_store(self, path: Path) -> None:
        with Journal(path) as journal:
            assert repr(journal) == f"Journal({str(path)!r}, sync='always')"
            journal(Decision(get().seed, get(), Started(0.0), *get().step(Started(0.0))))
        assert not path.exists()


class TestFile:
    @pytest.mark.parametrize("sync", ["always", "never"])
    def test_a_line_is_there_when_the_call_returns(self, path: Path, sync: Any) -> None:
        with Journal(path, sync) as journal:
            journal(decision())
            assert path.read_bytes() == line()
            journal(decision(after=heard(0.5, "completed")))
            assert path.read_bytes() == line() + line(after=heard(0.5, "completed"))

    def test_with_always_it_is_on_the_disk_as_well_and_with_never_it_is_not_waited_for(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        synced: list[tuple[bool, bytes]] = []

        def fsync(descriptor: int) -> None:
            synced.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), path.read_bytes()))

        monkeypatch.setattr(os, "fsync", fsync)
        with Journal(path, "never") as journal:
            journal(decision())
            journal(decision(after=heard(0.5, "completed")))
        assert synced == []
        path.unlink()
        with Journal(path, "always") as journal:
            journal(decision())
            journal(decision(after=heard(0.5, "completed")))
        assert synced == [(True, b""), (False, line()), (False, line() + line(after=heard(0.5, "completed")))]

    def test_it_is_readable_by_its_owner_alone(self, path: Path) -> None:
        mask = os.umask(0)
        try:
            with Journal(path, "never") as journal:
                journal(decision())
                journal.release([decision().operation_id])
        finally:
            os.umask(mask)
        assert stat.S_IMODE(path.stat().st_mode) == OWNER_ALONE

    def test_one_that_others_could_read_is_taken_from_them(self, path: Path) -> None:
        path.write_bytes(line())
        path.chmod(0o644)
        with Journal(path, "never") as journal:
            journal(decision(1))
            journal.release([decision(1).operation_id])
        assert stat.S_IMODE(path.stat().st_mode) == OWNER_ALONE

    @pytest.mark.parametrize("half", [b"", b"{", line(1)[:-1], b"x" * 200_000])
    def test_half_a_last_line_is_cut_off(self, path: Path, half: bytes) -> None:
        path.write_bytes(line() + half)
        with Journal(path, "never") as journal:
            journal(decision(1))
            journal.release([decision(1).operation_id])
        assert path.read_bytes() == line() + line(1)

    def test_half_a_first_line_is_cut_off(self, path: Path) -> None:
        path.write_bytes(line()[:7])
        with Journal(path, "never") as journal:
            journal(decision(1))
            journal.release([decision(1).operation_id])
        assert path.read_bytes() == line(1)

    @pytest.mark.parametrize("content", [b"my thesis", b"my thesis\n", b'{"journal":2,"x":1}\n', b"{}"])
    def test_a_file_that_is_no_journal_is_left_as_it_is(self, path: Path, content: bytes) -> None:
        path.write_bytes(content)
        path.chmod(0o644)
        with Journal(path, "never") as journal, pytest.raises(PlatformJournalError, match="this file is no journal of version 1"):
            journal(decision())
        with pytest.raises(PlatformJournalError, match="no journal"), Journal(path) as journal:
            journal.claim()
        assert path.read_bytes() == content
        assert stat.S_IMODE(path.stat().st_mode) == 0o644

    def test_what_cannot_be_opened_is_a_typed_error(self, tmp_path: Path) -> None:
        (tmp_path / "folder").mkdir()
        os.mkfifo(tmp_path / "pipe")
        for name, text in (("no/such", "No such file"), ("folder", "Is a directory"), ("pipe", "(not|no) .*(seekable|regular file)")):
            with Journal(tmp_path / name, "never") as journal:
                with pytest.raises(PlatformJournalError, match=text) as caught:
                    journal(decision())
                assert caught.value.__cause__ is caught.value.__context__ is None
                with pytest.raises(PlatformJournalError, match=text):
                    journal.claim()

    def test_many_threads_write_whole_lines(self, path: Path) -> None:
        with Journal(path, "never") as journal:

            def write(number: int) -> None:
                for _ in range(20):
                    journal(decision(number))
                journal(decision(number, heard(0.5, "completed")))

            threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert len(list(entries(path))) == 8 * 21
        assert unfinished(path) == {}


class TestOneWriter:
    def test_another_journal_of_the_same_file_is_refused_until_it_is_closed(self, path: Path) -> None:
        with Journal(path, "never") as journal:
            journal(decision())
            with Journal(path, "never") as other:
                for refused in (lambda: other(decision(1)), other.claim):
                    with pytest.raises(PlatformJournalError, match="the journal is in use"):
                        refused()
            journal(decision(after=heard(0.5, "completed")))
        with Journal(path, "never") as other:
            other(decision(1))
            other(decision(1, heard(0.5, "completed")))

    def test_another_process_is_refused_while_this_one_lives(self, path: Path) -> None:
        code = (
            "import sys; from platform_transports.journal import Journal\n"
            "try: Journal(sys.argv[1]).claim()\n"
            "except Exception as error: print(type(error).__name__)"
        )
        command = [sys.executable, "-c", code, str(path)]
        with Journal(path, "never") as journal:
            journal(decision())
            assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "PlatformJournalError\n"
            journal.release([decision().operation_id])
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == ""

    def test_a_forked_process_is_refused(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with Journal(path, "never") as journal:
            journal(decision())
            with monkeypatch.context() as patch:
                patch.setattr(os, "getpid", lambda: -1)
                with pytest.raises(PlatformJournalError, match="forked"):
                    journal(decision(1))
            journal.release([decision().operation_id])

    def test_where_there_are_no_locks_it_writes_all_the_same(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "fcntl", None)
        monkeypatch.delattr(os, "fchmod")
        monkeypatch.delattr(os, "O_DIRECTORY")
        with Journal(path) as journal:
            journal(decision())
            journal.release([decision().operation_id])
        assert path.read_bytes() == line()


class TestClosing:
    def test_it_closes_when_the_runs_under_way_have_ended(self, path: Path) -> None:
        journal = Journal(path, "never")
        journal(decision())
        journal.close()
        journal.close()
        journal(decision(after=heard(0.5, "completed")))
        assert unfinished(path) == {}
        with pytest.raises(PlatformJournalError, match="the journal is closed"):
            journal(decision(1))
        with Journal(path, "never") as other:
            assert other.claim() == {}

    def test_a_claimed_run_is_under_way_until_it_is_released(self, path: Path) -> None:
        path.write_bytes(line() + line(1))
        with Journal(path, "never") as journal:
            claimed = journal.claim()
            assert claimed == {each.operation_id: each.after for each in (decision(), decision(1))}
            assert journal.claim() == {}
            journal.release([decision().operation_id])
            assert list(journal.claim()) == [decision().operation_id]
            journal.release(claimed)

    def test_a_run_that_is_alive_here_is_not_claimed(self, path: Path) -> None:
        with Journal(path, "never") as journal:
            journal(decision())
            assert journal.claim() == {}
            journal(decision(after=heard(0.5, "completed")))


class TestFailures:
    @pytest.mark.parametrize("part", [0, 1, 100])
    def test_a_full_disk_is_a_typed_error_and_leaves_whole_lines(self, path: Path, monkeypatch: pytest.MonkeyPatch, part: int) -> None:
        write = FileIO.write

        class Full(FileIO):
            def write(self, data: Any, /) -> int:
                if os.fstat(self.fileno()).st_size > len(line()):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return write(self, bytes(data)[: max(1, part)])

        with Journal(path, "never") as journal:
            journal(decision())
            with monkeypatch.context() as patch:
                patch.setattr(journal_module, "FileIO", Full)
                journal._close_file()
                with pytest.raises(PlatformJournalError, match=r"^the journal could not be written: No space left on device$") as caught:
                    journal(decision(1))
                assert caught.value.__context__ is None
                assert path.read_bytes() == line()
                journal._close_file()
            journal(decision(after=heard(0.5, "completed")))
        assert path.read_bytes() == line() + line(after=heard(0.5, "completed")), "what failed is not written later"

    def test_what_could_not_be_cut_off_is_before_the_next_line(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: Any) -> Any:
            raise OSError(errno.EIO, "broken")

        with Journal(path, "always") as journal:
            journal(decision())
            with monkeypatch.context() as patch:
                patch.setattr(os, "fsync", fail)
                real = journal._file

                class Stuck:
                    def __getattr__(self, name: str) -> Any:
                        return fail if name == "truncate" else getattr(real, name)

                journal._file = Stuck()  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
                with pytest.raises(PlatformJournalError, match="broken"):
                    journal(decision(1, heard(0.5, "pending")))
                with pytest.raises(PlatformJournalError, match="broken"):
                    journal(decision(2))
                journal._file = real
            assert path.read_bytes() != line()
            journal(decision(after=heard(0.5, "completed")))
        assert path.read_bytes() == line() + line(after=heard(0.5, "completed"))

    def test_an_interrupt_in_the_middle_of_a_line_loses_none(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupted(file: FileIO, at: int, data: bytes) -> None:
            file.seek(at)
            file.write(data[: len(data) // 2])
            raise KeyboardInterrupt

        with Journal(path, "never") as journal:
            journal(decision())
            with monkeypatch.context() as patch:
                patch.setattr(journal_module, "_write_at", interrupted)
                with pytest.raises(KeyboardInterrupt):
                    journal(decision(1))
            journal(decision(after=heard(0.5, "completed")))
            journal(decision(1, heard(0.5, "completed")))
        assert path.read_bytes() == b"".join([line(), line(1), line(after=heard(0.5, "completed")), line(1, heard(0.5, "completed"))])

    def test_a_journal_that_another_version_wrote_cannot_be_gone_on_with(self, path: Path) -> None:
        path.write_bytes(line().replace(b'"schema":1', b'"schema":2'))
        with Journal(path, "never") as journal, pytest.raises(InvalidJournal, match=r"^line 1: snapshot\.schema must be 1"):
            journal.claim()
