"""Replay: what was decided is decided again, and where it is not, the first difference is named."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from platform_core.errors import PlatformClientError
from platform_core.machine import Decision
from platform_core.messages import Headers, Response
from platform_core.outcomes import Failed, FailureCause, NotAuthorized, Outcome, Restored
from platform_core.retry import RetryPolicy
from platform_transports.fake import Lose
from platform_transports.journal import Journal
from platform_transports.journal_lines import InvalidJournal, entries
from platform_transports.replay import replay, steps, told_outcome, told_step
from tests.support.core import samples
from tests.support.driven import drive_sync, platform, sleeping

TOKEN = "eyJhbGciOi.c2VjcmV0.c2lnbmF0dXJl"
ECHOING = Response(
    503,
    Headers((("Content-Type", "application/json"), ("X-Echo", f"Bearer {TOKEN}"), ("Retry-After", "1"), ("X-Request-ID", "theirs"))),
    json.dumps({"message": f"got Bearer {TOKEN}", "code": "BUSY", "details": [TOKEN]}).encode(),
)
REDIRECT = Response(302, Headers((("Location", f"https://login.test/?token={TOKEN}"),)))


def journal_of(path: Path, *scripts: tuple[Any, ...], interrupted_at: int = -1) -> Path:
    """A journal of one run on each of these platforms; a run may be interrupted after one of its decisions."""
    with Journal(path, "never") as journal:
        for number, script in enumerate(scripts):
            told: list[Decision] = []

            def interrupt(decision: Decision, told: list[Decision] = told) -> None:
                told.append(decision)
                if len(told) == interrupted_at:
                    raise KeyboardInterrupt

            with contextlib.suppress(KeyboardInterrupt, PlatformClientError):
                drive_sync(sleeping(0.5, number=number), platform(script), journal=journal, observers=[interrupt])
    return path


def changed(path: Path, number: int, where: str, value: object) -> Path:
    """The journal, with something else in this place of this line, "a.b" for b in a."""
    every = path.read_text(encoding="utf-8").splitlines()
    members = json.loads(every[number - 1])
    *outer, name = where.split(".")
    inner = members
    for each in outer:
        inner = inner[each]
    inner[name] = value
    every[number - 1] = json.dumps(members, separators=(",", ":"))
    path.write_text("\n".join(every) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


class TestTheSame:
    @pytest.mark.parametrize(
        "script",
        [
            (),
            (ECHOING, ECHOING),
            (None, ECHOING, Response(404), Response(502, body=f"<html>Bearer {TOKEN}".encode())),
            (REDIRECT,),
            (Response(422, ECHOING.headers, ECHOING.body),),
            (Response(202, Headers((("Content-Type", "application/json"),)), b"\xff"),),
            (Response(202, Headers((("Content-Encoding", "gzip"), ("Content-Type", "application/json"))), b"{}"),),
            (Lose(effect=True), Lose(kind=FailureCause.TIMEOUT), Lose(reused=True)),
            (Response(401),),
            (None, Lose(kind=FailureCause.TLS)),
            (Lose(kind=FailureCause.TLS),),
        ],
        ids=str,
    )
    def test_whatever_happened_is_decided_again_and_no_token_is_in_it(self, path: Path, script: tuple[Any, ...]) -> None:
        found = replay(journal_of(path, script))
        assert found.difference is None, str(found)
        assert found.runs == 1
        assert found.decisions == len(list(entries(path)))
        assert TOKEN.split(".")[1] not in path.read_text(encoding="utf-8")

    @pytest.mark.parametrize("interrupted_at", range(1, 8))
    def test_what_was_left_is_decided_again(self, path: Path, interrupted_at: int) -> None:
        assert replay(journal_of(path, (), interrupted_at=interrupted_at)).difference is None

    def test_several_runs_are_counted(self, path: Path) -> None:
        found = replay(journal_of(path, (), (ECHOING,), ()))
        assert found.runs == 3
        assert str(found) == f"{found.decisions} decisions of 3 runs: each decided the same again"

    def test_a_journal_may_be_given_itself(self, path: Path) -> None:
        journal_of(path, ())
        assert replay(Journal(path)) == replay(path) == replay(str(path))

    def test_an_empty_one_has_no_runs(self, path: Path) -> None:
        path.write_bytes(b"")
        assert str(replay(path)) == "0 decisions of 0 runs: each decided the same again"

    def test_a_decision_that_was_stored_twice_is_one(self, path: Path) -> None:
        journal_of(path, ())
        every = path.read_bytes().splitlines(keepends=True)
        count = replay(path).decisions
        path.write_bytes(b"".join(line * 2 for line in every))
        assert (replay(path).decisions, replay(path).difference) == (count, None)

    def test_half_a_last_line_is_no_difference(self, path: Path) -> None:
        journal_of(path, ())
        path.write_bytes(path.read_bytes()[:-5])
        assert replay(path).difference is None

    def test_a_run_that_was_recovered_goes_on_where_it_was_stored(self, path: Path) -> None:
        whole = journal_of(path, ()).read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(whole[:4]))
        with Journal(path, "never") as journal:
            ((_, operation),) = journal.claim().items()
            fake = platform()
            drive_sync(sleeping(0.5), fake)
            drive_sync(operation, fake, journal=journal)
        assert any(isinstance(each.read_outcome(), Restored) for each in entries(path))
        assert replay(path).difference is None


class TestDifferences:
    @pytest.mark.parametrize(
        ("number", "where", "value", "text"),
        [
            (
                2,
                "value.operation.known.status",
                "running",
                "value.operation.known.status: 'running' in the journal, 'pending' when replayed",
            ),
            (2, "value.operation.until", 0.5, "value.operation.until: 0.5 in the journal, "),
            (2, "action.reason", "deadline", "action.reason: 'deadline' in the journal, 'not terminal: pending' when replayed"),
            (1, "action.more", 1, "action.more: 1 in the journal, None when replayed"),
            (2, "outcome", {"type": "woke", "at": 1.0}, "outcome: Sending does not wait for Woke"),
        ],
    )
    def test_the_first_one_is_named(self, path: Path, number: int, where: str, value: object, text: str) -> None:
        found = replay(changed(journal_of(path, ()), number, where, value))
        assert found.difference is not None
        assert found.difference.line == number
        assert found.difference.what.startswith(text)
        assert (found.decisions, found.runs) == (number - 1, 1)
        assert str(found.difference) in str(found)
        assert [each.difference for each in steps(path)] == [*[None] * (number - 1), found.difference]

    def test_a_run_whose_beginning_is_missing_cannot_be_compared(self, path: Path) -> None:
        whole = journal_of(path, ()).read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(whole[1:]))
        found = replay(path)
        assert found.difference is not None
        assert found.difference.what == "before: the journal does not hold how the run began"
        assert (found.decisions, found.difference.line) == (0, 1)

    def test_a_run_that_went_on_with_something_else_is_one(self, path: Path) -> None:
        whole = journal_of(path, ()).read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(whole[:4]))
        operation, _ = sleeping(0.5).step(next(entries(path)).read_outcome())
        with Journal(path, "never") as journal:
            drive_sync(operation, platform(), journal=journal)
        found = replay(path)
        assert found.difference is not None
        assert found.difference.what.startswith("before.operation.")

    def test_another_policy_is_another_decision(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        journal_of(path, (ECHOING,))
        monkeypatch.setattr("platform_core.retry.LATER_STATUSES", frozenset({429}))
        found = replay(path)
        assert found.difference is not None
        assert (found.difference.line, found.difference.what) == (
            2,
            "value.operation.type: 'submitting' in the journal, 'ended' when replayed",
        )
        assert RetryPolicy().attempts_max > 1

    def test_what_is_no_journal_is_refused(self, path: Path) -> None:
        path.write_text("hello\n", encoding="utf-8")
        with pytest.raises(InvalidJournal):
            replay(path)
        with pytest.raises(FileNotFoundError):
            replay(path.parent / "none")


class TestTold:
    def test_a_decision_is_one_line_with_its_reason(self, path: Path) -> None:
        told = [told_step(each) for each in steps(journal_of(path, (ECHOING,)))]
        run = str(sleeping(0.5).seed)[:8]
        assert told[0].startswith(f"{run}     0.000  started ")
        assert "Ready → Submitting" in told[0]
        assert told[0].endswith("/executions (first)")
        assert "received 503" in told[1]
        assert told[1].endswith("sleep until 1.000 (status: 503)")
        assert told[-1].endswith("completed (terminal: completed)")

    def test_every_kind_of_action_is_told(self, path: Path) -> None:
        told = "\n".join(told_step(each) for each in steps(journal_of(path, (Response(401),), interrupted_at=5)))
        assert "ask for a token (token rejected)" in told
        assert "raise PlatformAuthenticationError" in told
        path.unlink()
        told = "\n".join(told_step(each) for each in steps(journal_of(path, (), interrupted_at=4)))
        assert "gone: cancelled (terminal)" in told

    def test_a_strangers_journal_does_not_steer_the_terminal(self, path: Path) -> None:
        journal_of(path, ())
        changed(path, 1, "action.path", "/\x1b[2J")
        changed(path, 2, "action.type", "\x1b[2Jnew")
        told = [told_step(each) for each in steps(path)]
        assert all("\x1b" not in each for each in told)

    @pytest.mark.parametrize("outcome", samples(1.0), ids=str)
    def test_every_outcome_is_told(self, outcome: Outcome) -> None:
        assert told_outcome(outcome)

    def test_what_may_have_been_sent_is_told(self) -> None:
        assert told_outcome(Failed(0.0, FailureCause.DISCONNECTED, "maybe", reused=True)) == "failed: disconnected (sent: maybe, reused)"
        assert told_outcome(Failed(0.0, FailureCause.READ, "no", detail="reset")) == "failed: read (sent: no): reset"
        assert told_outcome(NotAuthorized(0.0, "KeyError", permanent=True)) == "not authorized: KeyError, for good"
