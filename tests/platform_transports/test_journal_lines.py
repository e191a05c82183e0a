"""The lines of a journal: what stands in them, what never does, and what of a stranger's is refused."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import platform_core
from platform_core.call import Calling
from platform_core.execution import Polling
from platform_core.machine import Decision, Operation
from platform_core.messages import Headers, Response
from platform_core.operations import execution_status, request, service_skills, submit_agent_execution
from platform_core.outcomes import Abandoned, Failed, FailureCause, Outcome, Received, Started, Woke
from platform_core.resuming import first_outcome
from platform_core.snapshots import snapshot
from platform_transports.journal_lines import (
    KEPT_HEADERS,
    MAGIC,
    VERSION,
    Entry,
    InvalidJournal,
    entries,
    kept,
    told_action,
    unfinished,
    written,
)
from platform_transports.replay import replay
from tests.support.core import EXECUTION_ID, SEED, answered, heard, left, lost, samples, token_refused
from tests.support.driven import sleeping

SECRET = "eyJhbGciOi.c2VjcmV0.c2lnbmF0dXJl"
GOLDEN = Path(__file__).parent / "golden"
CORE = Path(platform_core.__file__).parent


def decisions(operation: Operation[Any], *outcomes: Outcome) -> list[Decision]:
    """All that a run decides: from its beginning, or, where it was stored, from there."""
    told: list[Decision] = []
    for outcome in (first_outcome(operation), *outcomes):
        after, action = operation.step(outcome)
        told.append(Decision(operation.seed, operation, outcome, after, action))
        operation = after
    return told


def lines(operation: Operation[Any], *outcomes: Outcome) -> list[bytes]:
    return [line for line in (written(each) for each in decisions(operation, *outcomes)) if line is not None]


def journal(folder: Path, *parts: bytes) -> Path:
    path = folder / "journal"
    path.write_bytes(b"".join(parts))
    return path


def golden_lines() -> list[bytes]:
    """Lines with every action, and every kind of first line."""
    stored = decisions(sleeping(1.0, number=3), heard(0.5, "pending"))[-1].after
    return [
        *lines(sleeping(1.0), answered(0.25, 503, headers={"Retry-After": "2"}), Woke(2.25), heard(2.5, "completed")),
        *lines(sleeping(1.0, number=1), answered(0.25, 401, generation=4), token_refused(0.5, permanent=True)),
        *lines(sleeping(1.0, number=2), heard(0.5, "pending"), left(0.75, "no"), heard(1.0, "cancelled")),
        *lines(sleeping(1.0, number=3), heard(0.5, "pending")),
        *lines(stored, Woke(1.0)),
        *lines(submit_agent_execution("a", seed=SEED), lost(0.5), Woke(1.5)),
    ]


RUN = lines(sleeping(1.0), heard(0.5, "pending"))


class TestWritten:
    def test_a_line_is_json_with_what_happened_and_what_follows(self) -> None:
        first, second = (json.loads(line) for line in RUN)
        assert (first["journal"], first["outcome"]) == (1, {"type": "started", "at": 0.0})
        assert (first["before"]["operation"]["type"], first["value"]["operation"]["type"]) == ("ready", "submitting")
        assert (first["action"]["type"], first["action"]["reason"]) == ("send", "first")
        assert "before" not in second
        assert second["action"] == {
            "type": "sleep",
            "until": second["value"]["operation"]["until"],
            "cost": 0,
            "reason": "not terminal: pending",
        }
        assert all(line.startswith(MAGIC) and line.endswith(b"\n") and line.count(b"\n") == 1 for line in RUN)

    @pytest.mark.parametrize(
        "plain", [request("GET", "/api/v1/x", seed=SEED), execution_status("e", seed=SEED), service_skills("s", seed=SEED)]
    )
    def test_a_plain_call_has_none(self, plain: Operation[Any]) -> None:
        assert lines(plain, answered(1.0, 503)) == []

    def test_a_submission_has_them(self) -> None:
        told = lines(submit_agent_execution("a", seed=SEED), heard(1.0, "pending"))
        assert json.loads(told[-1])["action"] == {
            "type": "done",
            "execution_id": EXECUTION_ID,
            "status": "pending",
            "reason": "answered",
        }

    @pytest.mark.parametrize("outcome", samples(0.5), ids=str)
    def test_every_action_that_may_follow_is_told(self, outcome: Outcome) -> None:
        operation, _ = sleeping(1.0).step(Started(0.0))
        try:
            _, action = operation.step(outcome)
        except Exception:  # noqa: BLE001 -- what is not waited for
            return
        assert json.loads(json.dumps(told_action(action)))["reason"] == str(action.reason)


class TestGoldenFiles:
    """Once a version was released its file stays as it is: such journals lie on someone's disk."""

    @pytest.mark.parametrize("path", sorted(GOLDEN.glob("journal_version_*.jsonl")), ids=lambda path: path.stem)
    def test_every_journal_of_every_version_is_replayed_and_gone_on_with(self, path: Path) -> None:
        found = replay(path)
        assert (found.runs, found.difference) == (5, None)
        assert {run: type(operation) for run, operation in unfinished(path).items()} == {
            sleeping(1.0, number=3).seed: Polling,
            SEED: Calling,
        }

    def test_what_is_written_is_of_this_version(self) -> None:
        # A difference here is another version, or another schema: raise it, add a golden file, and keep reading the old one.
        golden = (GOLDEN / f"journal_version_{VERSION}.jsonl").read_bytes()
        assert golden_lines() == golden.splitlines(keepends=True)


class TestKept:
    """What stands in the journal of an answer."""

    def test_what_looks_like_a_token_is_cut_out(self) -> None:
        headers = Headers((("Retry-After", f"Bearer {SECRET}"), ("X-Echo", f"Bearer {SECRET}"), ("Set-Cookie", SECRET)))
        body = json.dumps({"message": f"got Authorization: Bearer {SECRET}", "a": [SECRET] * 2}).encode()
        found = kept(Received(1.0, Response(400, headers, body), 1))
        assert isinstance(found, Received)
        assert SECRET not in repr(found.response.headers)
        assert SECRET.encode() not in found.response.body
        assert json.loads(found.response.body)["a"] == ["<cut>"] * 2

    def test_of_a_redirect_the_host_is_kept_alone(self) -> None:
        location = ("Location", f"https://u:p@login.test:5/x?token={SECRET}")
        found = kept(Received(1.0, Response(302, Headers((location,))), 1))
        assert isinstance(found, Received)
        assert found.response.headers.fields == (("Location", "//login.test"),)

    def test_the_headers_that_are_kept_are_those_that_the_core_reads(self) -> None:
        of_downloads = {"parts.py", "downloads.py"}  # they are kept in no journal
        source = "".join(path.read_text(encoding="utf-8") for path in CORE.glob("*.py") if path.name not in of_downloads)
        read = set(re.findall(r"headers\.get(?:_all)?\(\"([^\"]+)\"\)", source))
        assert {name.lower() for name in read} == KEPT_HEADERS | {"location"}

    def test_a_transports_own_word_is_one_line_without_a_token(self) -> None:
        found = kept(Failed(1.0, FailureCause.PROTOCOL, "maybe", detail=f"bad header:\nAuthorization: Bearer\n{SECRET}"))
        assert isinstance(found, Failed)
        assert found.detail == "bad header: Authorization: <cut>"
        assert kept(found) == found

    @pytest.mark.parametrize("detail", ["", "x" * 2000, " a\n b " * 300, f"Bearer {SECRET} " * 40, ("y" * 499) + " z"], ids=len)
    def test_what_is_kept_of_it_decides_the_same(self, detail: str) -> None:
        operation, _ = sleeping(1.0).step(Started(0.0))
        outcome = Failed(1.0, FailureCause.READ, "maybe", detail=detail)
        after, again = (operation.step(each)[0] for each in (outcome, kept(outcome)))
        assert snapshot(after) == snapshot(again)

    @pytest.mark.parametrize("outcome", [each for each in samples(1.0) if not isinstance(each, Received)], ids=str)
    def test_other_outcomes_are_kept_as_they_are(self, outcome: Outcome) -> None:
        assert kept(outcome) == outcome


class TestEntries:
    def test_half_a_last_line_is_as_if_it_had_not_been_begun(self, tmp_path: Path) -> None:
        for cut in range(1, len(RUN[1])):
            assert [each.number for each in entries(journal(tmp_path, RUN[0], RUN[1][:cut]))] == ([1] if cut < len(RUN[1]) else [1, 2])
        assert list(entries(journal(tmp_path, RUN[0][:10]))) == []
        assert list(entries(journal(tmp_path))) == []

    def test_a_line_is_read_as_it_was_written(self, tmp_path: Path) -> None:
        told = decisions(sleeping(1.0), heard(0.5, "pending"))
        first, second = entries(journal(tmp_path, *RUN))
        assert (first.read_before(), first.read_value(), first.run) == (told[0].before, told[0].after, told[0].operation_id)
        assert (second.read_before(), second.read_value(), second.read_outcome()) == (None, told[1].after, told[1].outcome)

    @pytest.mark.parametrize("beginning", [b"hello\n", b'{"journal":2,"run"', b"{", b'{"a": 1}\n', b"\x00"])
    def test_what_is_no_journal_is_refused(self, tmp_path: Path, beginning: bytes) -> None:
        if MAGIC.startswith(beginning):
            assert list(entries(journal(tmp_path, beginning))) == []
            return
        with pytest.raises(InvalidJournal, match=r"^this file is no journal of version 1$"):
            list(entries(journal(tmp_path, beginning)))

    @pytest.mark.parametrize(
        ("line", "text"),
        [
            (b"\n", "line 2: it is no line of a journal"),
            (b"[]\n", "line 2: it must be a JSON object"),
            (b"{}\n", "line 2: it is no line of a journal"),
            (b'{"run":"x"}\n', "line 2: it is no line of a journal"),
            (b"[" * 100_000 + b"\n", "line 2: it is no line of a journal"),
            (RUN[0].replace(b'"outcome":{', b'"outcome":[],"o":{'), "line 2: outcome must be a JSON object"),
            (RUN[0].replace(b'"before":{', b'"before":[],"o":{'), "line 2: before must be a JSON object"),
            (RUN[0].replace(b'"action":{"type":"send"', b'"action":{"type":5'), "line 2: action.type must be a string"),
        ],
    )
    def test_a_line_that_is_none_is_refused_by_its_number(self, tmp_path: Path, line: bytes, text: str) -> None:
        with pytest.raises(InvalidJournal, match=f"^{text}$") as caught:
            list(entries(journal(tmp_path, RUN[0], line)))
        assert caught.value.__cause__ is None

    def test_a_value_is_checked_like_any_snapshot(self, tmp_path: Path) -> None:
        path = journal(tmp_path, RUN[0].replace(b'"schema":1', b'"schema":7'))
        (entry,) = entries(path)
        for read in (entry.read_value, entry.read_before, lambda: unfinished(path)):
            with pytest.raises(InvalidJournal, match=r"^line 1: snapshot\.schema must be 1: this version reads no other$"):
                read()
        with pytest.raises(InvalidJournal, match=r"^line 1: outcome\.at must be a number"):
            entry._replace(outcome={"type": "started", "at": -1}).read_outcome()

    def test_a_line_tells_of_one_run_alone(self, tmp_path: Path) -> None:
        path = journal(tmp_path, RUN[0].replace(str(sleeping(1.0).seed).encode(), str(SEED).encode(), 1))
        (entry,) = entries(path)
        for where, read in (("value", entry.read_value), ("before", entry.read_before), ("value", lambda: unfinished(path))):
            with pytest.raises(InvalidJournal, match=f"^line 1: {where} is of another run$"):
                read()


class TestUnfinished:
    def test_a_run_is_there_as_it_was_stored_last_until_it_has_ended(self, tmp_path: Path) -> None:
        outcomes = (heard(0.5, "pending"), left(0.6, "no"), heard(0.7, "cancelled"))
        told, every = decisions(sleeping(1.0), *outcomes), lines(sleeping(1.0), *outcomes)
        for number in range(1, len(every)):
            assert unfinished(journal(tmp_path, *every[:number])) == {told[0].operation_id: told[number - 1].after}
        assert unfinished(journal(tmp_path, *every)) == {}

    def test_several_runs_may_stand_between_each_other(self, tmp_path: Path) -> None:
        one = lines(sleeping(1.0), heard(0.5, "pending"))
        other = lines(sleeping(1.0, number=1), heard(0.5, "completed"))
        third = lines(sleeping(1.0, number=2))
        found = unfinished(journal(tmp_path, one[0], other[0], third[0], other[1], one[1]))
        assert set(found) == {sleeping(1.0).seed, sleeping(1.0, number=2).seed}

    @pytest.mark.parametrize(
        ("outcomes", "goes_on"),
        [
            ((Abandoned(0.1, "maybe", final=True),), True),
            ((heard(0.1, "pending"), Abandoned(0.2, "no", final=True)), True),
            ((Abandoned(0.1, "no", final=True),), False),
            ((heard(0.1, "pending"), left(0.2, "no"), Abandoned(0.3, "maybe", final=True)), True),
        ],
    )
    def test_a_client_that_was_closed_ends_no_run_of_which_something_may_be_running(
        self, tmp_path: Path, outcomes: tuple[Outcome, ...], goes_on: bool
    ) -> None:
        told = decisions(sleeping(1.0), *outcomes)
        found = unfinished(journal(tmp_path, *lines(sleeping(1.0), *outcomes)))
        assert found == ({told[0].operation_id: told[-2].after} if goes_on else {})

    def test_who_left_it_running_on_purpose_has_ended_it(self, tmp_path: Path) -> None:
        outcomes = (heard(0.1, "pending"), left(0.2, "no"))
        assert unfinished(journal(tmp_path, *lines(sleeping(1.0, on_abandon="detach"), *outcomes))) == {}


def test_an_end_is_told_by_its_action() -> None:
    entry = Entry(1, SEED, {"type": "woke"}, None, {}, {"type": "sleep"})
    assert [entry._replace(action={"type": each}).is_end for each in ("send", "sleep", "authorize", "done", "raise", "gone")] == [
        *[False] * 3,
        *[True] * 3,
    ]
