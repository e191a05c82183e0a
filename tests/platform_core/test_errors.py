"""Errors: one for each status, each with all that a reader needs, none with a secret."""

import copy
import json
import pickle
from typing import Any
from uuid import UUID

import pytest

from platform_core import errors
from platform_core.errors import (
    Failure,
    PlatformAuthenticationError,
    PlatformClientError,
    PlatformConnectionError,
    PlatformExecutionCancelledError,
    PlatformExecutionError,
    PlatformExecutionTimeoutError,
    PlatformJournalError,
    PlatformNotFoundError,
    PlatformPermissionError,
    PlatformResponseError,
    PlatformSubmissionUnknownError,
    PlatformTimeoutError,
    error_for_status,
)
from platform_core.handles import ExecutionHandle, Submission

ALL = sorted(
    (each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, PlatformClientError)),
    key=lambda each: each.__name__,
)
BASES = {
    PlatformClientError: Exception,
    PlatformAuthenticationError: PlatformClientError,
    PlatformPermissionError: PlatformClientError,
    PlatformNotFoundError: PlatformClientError,
    PlatformExecutionError: PlatformClientError,
    PlatformExecutionTimeoutError: PlatformExecutionError,
    PlatformExecutionCancelledError: PlatformExecutionError,
    PlatformTimeoutError: PlatformClientError,
    PlatformConnectionError: PlatformClientError,
    PlatformSubmissionUnknownError: PlatformConnectionError,
    PlatformResponseError: PlatformClientError,
    PlatformJournalError: PlatformClientError,
}
HANDLE = ExecutionHandle(
    "agent",
    None,
    Submission(UUID("00000000-0000-4000-8000-000000000001"), "/api/v1/agents/a/executions", b'{"a":"s3cret"}'),
    5.0,
    3,
    "cancel",
)
KNOWN = ExecutionHandle("agent", "e", None, 5.0, 3, "cancel")
RECORD = {"execution_id": "e", "status": "failed", "error": {"code": "BOOM"}}


def pickled(found: object) -> object:
    return pickle.loads(pickle.dumps(found))


def failure_of(error: type[PlatformClientError], **changes: Any) -> Failure:
    everything: dict[str, Any] = {
        "status_code": 503,
        "code": "BUSY",
        "details_json": '[{"field": "name"}]',
        "request_id": "r-1",
        "method": "POST",
        "path": "/api/v1/a",
        "attempts": 3,
        "elapsed": 1.234,
        "body": b"<html>\xff",
        "retry_after": 7.0,
        "sent": "maybe",
        "handle": HANDLE,
        "execution_json": json.dumps(RECORD),
    }
    return Failure(error, "too many", **(everything | changes))


class TestTree:
    def test_every_error_has_its_place(self) -> None:
        assert {each: each.__bases__[0] for each in ALL} == BASES

    def test_the_tree_on_top_of_the_module_names_every_error(self) -> None:
        assert errors.__doc__ is not None
        assert all(errors.__doc__.count(f"{each.__name__} ") + errors.__doc__.count(f"{each.__name__}\n") == 1 for each in ALL)

    def test_two_are_also_what_python_calls_them(self) -> None:
        assert issubclass(PlatformTimeoutError, TimeoutError)
        assert issubclass(PlatformConnectionError, ConnectionError)

    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (300, PlatformClientError),
            (400, PlatformClientError),
            (401, PlatformAuthenticationError),
            (402, PlatformClientError),
            (403, PlatformPermissionError),
            (404, PlatformNotFoundError),
            (408, PlatformClientError),
            (409, PlatformClientError),
            (422, PlatformClientError),
            (429, PlatformClientError),
            (500, PlatformExecutionError),
            (501, PlatformClientError),
            (503, PlatformClientError),
            (599, PlatformClientError),
        ],
    )
    def test_a_status_has_its_error(self, status: int, error: type[PlatformClientError]) -> None:
        assert error_for_status(status) is error


@pytest.mark.parametrize("error", ALL, ids=lambda each: each.__name__)
class TestEveryError:
    def test_a_failure_becomes_its_exception(self, error: type[PlatformClientError]) -> None:
        failure = failure_of(error)
        found = failure.exception()
        assert type(found) is error
        assert found.failure == failure
        assert repr(found) == f"{error.__name__}({failure!r})", "so that a list of errors tells what they are"
        assert (found.message, found.status_code, found.code, found.details) == ("too many", 503, "BUSY", [{"field": "name"}])
        assert (found.request_id, found.method, found.path) == ("r-1", "POST", "/api/v1/a")
        assert (found.attempts, found.elapsed, found.body, found.retry_after) == (3, 1.234, b"<html>\xff", 7.0)
        assert (found.sent, found.handle, found.execution) == ("maybe", HANDLE, RECORD)

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_it_pickles_with_its_notes(self, error: type[PlatformClientError], protocol: int) -> None:
        before = failure_of(error).exception()
        before.add_note("execution e was cancelled on the platform")
        after = pickle.loads(pickle.dumps(before, protocol))
        assert type(after) is error
        assert after.failure == before.failure
        assert str(after) == str(before)
        assert after.__notes__ == ["execution e was cancelled on the platform"]

    @pytest.mark.parametrize("copying", [copy.copy, copy.deepcopy, pickled])
    def test_it_is_copied_without_notes_where_there_are_none(self, error: type[PlatformClientError], copying: Any) -> None:
        after = copying(failure_of(error).exception())
        assert after.failure == failure_of(error)
        assert not hasattr(after, "__notes__")

    def test_its_dict_is_json(self, error: type[PlatformClientError]) -> None:
        found = failure_of(error).exception()
        plain = found.to_dict()
        assert json.loads(json.dumps(plain, allow_nan=False)) == plain
        assert plain == {
            "error": error.__name__,
            "text": str(found),
            "message": "too many",
            "status_code": 503,
            "code": "BUSY",
            "details": [{"field": "name"}],
            "request_id": "r-1",
            "method": "POST",
            "path": "/api/v1/a",
            "attempts": 3,
            "elapsed": 1.234,
            "body": "<html>\ufffd",
            "retry_after": 7.0,
            "sent": "maybe",
            "handle": HANDLE.to_dict(),
            "execution": RECORD,
        }

    def test_its_text_says_what_where_which_request_and_what_to_do(self, error: type[PlatformClientError]) -> None:
        found = failure_of(error, handle=None).exception()
        assert str(found) == f"503 BUSY: too many (POST /api/v1/a, request r-1, 3 requests in 1.23 s). {found.advice}"
        assert found.advice.endswith(" The platform asks for a pause of 7 s.")

    def test_no_text_of_it_shows_the_body_of_a_submission(self, error: type[PlatformClientError]) -> None:
        found = failure_of(error).exception()
        assert "s3cret" not in f"{found} {found!r} {found.failure!r} {json.dumps(found.to_dict())}"

    def test_it_gives_advice_of_its_own(self, error: type[PlatformClientError]) -> None:
        own = failure_of(error).exception().advice
        assert [each for each in ALL if failure_of(each).exception().advice == own] == [error]

    def test_a_text_alone_makes_one(self, error: type[PlatformClientError]) -> None:
        found = error("the client is closed")
        assert str(found) == found.message == "the client is closed"
        assert found.failure == Failure(error, "the client is closed")
        assert pickle.loads(pickle.dumps(found)).failure == found.failure
        assert (found.handle, found.to_dict()["handle"], found.execution, found.details) == (None, None, None, None)


class TestTexts:
    @pytest.mark.parametrize(
        ("changes", "start"),
        [
            ({"code": None}, "503: too many (POST /api/v1/a"),
            ({"status_code": None}, "BUSY: too many (POST /api/v1/a"),
            ({"status_code": None, "code": None}, "too many (POST /api/v1/a"),
            ({"request_id": None}, "503 BUSY: too many (POST /api/v1/a, 3 requests in 1.23 s)"),
            ({"attempts": 1}, "503 BUSY: too many (POST /api/v1/a, request r-1, 1 request in 1.23 s)"),
            ({"attempts": 0}, "503 BUSY: too many (POST /api/v1/a, request r-1)"),
        ],
    )
    def test_what_is_not_known_is_left_out(self, changes: dict[str, Any], start: str) -> None:
        assert str(failure_of(PlatformClientError, **changes).exception()).startswith(start)

    def test_no_pause_is_named_where_none_was_asked_for(self) -> None:
        assert "pause" not in failure_of(PlatformClientError, retry_after=None).exception().advice

    @pytest.mark.parametrize(
        ("status", "advice"),
        [
            (None, "a closed client"),
            (302, "Redirects are not followed"),
            (399, "Redirects are not followed"),
            (400, ".details"),
            (402, "The platform refuses this"),
            (408, "try again later"),
            (409, "It conflicts"),
            (418, "The platform refuses this"),
            (422, ".details"),
            (425, "try again later"),
            (429, "fewer requests"),
            (501, "try again later"),
            (503, "try again later"),
        ],
    )
    def test_a_status_without_an_exception_of_its_own_has_its_own_advice(self, status: int | None, advice: str) -> None:
        assert advice in failure_of(PlatformClientError, status_code=status).exception().advice
        assert advice not in failure_of(PlatformResponseError, status_code=status).exception().advice

    @pytest.mark.parametrize(
        ("error", "changes", "advice"),
        [
            (PlatformClientError, {"status_code": None}, "Nothing more is sent by a closed client: make another one."),
            (PlatformClientError, {"status_code": 300}, "Redirects are not followed: check the base URL."),
            (PlatformClientError, {"status_code": 299}, "The platform, or a proxy before it, could not serve this: try again later."),
            (PlatformClientError, {"status_code": 499}, "The platform refuses this, and would again: see its message."),
            (PlatformClientError, {"status_code": 500}, "The platform, or a proxy before it, could not serve this: try again later."),
            (
                PlatformClientError,
                {"status_code": 499, "body": b"<", "code": None},
                "The platform refuses this, and would again: see its message. The answer's first bytes are in .body.",
            ),
            (
                PlatformClientError,
                {"status_code": 499, "retry_after": 7.0},
                "The platform refuses this, and would again: see its message. The platform asks for a pause of 7 s.",
            ),
            (
                PlatformExecutionError,
                {"status_code": 500},
                "The platform failed, and is not asked again by itself: look for the request id in its logs.",
            ),
        ],
    )
    def test_all_that_is_advised_is_this(self, error: type[PlatformClientError], changes: dict[str, Any], advice: str) -> None:
        assert Failure(error, "no", method="GET", path="/a")._replace(**changes).exception().advice == advice

    def test_a_component_that_failed_and_a_platform_that_failed_are_told_apart(self) -> None:
        assert "The component itself failed" in failure_of(PlatformExecutionError).exception().advice
        assert "The platform failed" in failure_of(PlatformExecutionError, execution_json=None).exception().advice

    @pytest.mark.parametrize(("changes", "is_shown"), [({"code": None}, True), ({}, False), ({"code": None, "body": b""}, False)])
    def test_an_answer_without_the_platforms_code_points_to_its_first_bytes(self, changes: dict[str, Any], is_shown: bool) -> None:
        assert ("first bytes are in .body" in failure_of(PlatformClientError, **changes).exception().advice) == is_shown


MAY_HAVE_ACTED = "The platform may have acted on it all the same"
MAY_HAVE_STARTED = "The execution may have started: client.resume(error.handle) sends the same key again"
MAY_STILL_RUN = "The execution may still be running: client.resume(error.handle) goes on"


class TestWhatIsLeftOpen:
    @pytest.mark.parametrize(
        ("error", "changes", "warning"),
        [
            (PlatformConnectionError, {"status_code": None}, MAY_HAVE_ACTED),
            (PlatformTimeoutError, {"status_code": None}, MAY_HAVE_ACTED),
            (PlatformConnectionError, {"status_code": None, "sent": "no"}, ""),
            (PlatformConnectionError, {"status_code": None, "method": "GET"}, ""),
            (PlatformConnectionError, {"status_code": None, "method": "PUT"}, ""),
            (PlatformClientError, {"status_code": 503, "sent": None}, MAY_HAVE_ACTED),
            (PlatformExecutionError, {"status_code": 500, "sent": None}, MAY_HAVE_ACTED),
            (PlatformResponseError, {"status_code": 200, "sent": None}, MAY_HAVE_ACTED),
            (PlatformClientError, {"status_code": 503, "sent": None, "method": "GET"}, ""),
            (PlatformClientError, {"status_code": 409, "sent": None}, ""),
            (PlatformClientError, {"status_code": 429, "sent": None}, ""),
            (PlatformSubmissionUnknownError, {"status_code": None, "handle": HANDLE}, MAY_HAVE_STARTED),
            (PlatformSubmissionUnknownError, {"status_code": None}, MAY_HAVE_ACTED),
            (PlatformClientError, {"handle": HANDLE}, MAY_HAVE_STARTED),
            (PlatformTimeoutError, {"handle": KNOWN}, MAY_STILL_RUN),
            (PlatformPermissionError, {"handle": KNOWN}, MAY_STILL_RUN),
            (PlatformNotFoundError, {"handle": KNOWN}, ""),
            (PlatformExecutionError, {"handle": KNOWN, "execution_json": json.dumps(RECORD)}, ""),
            (PlatformTimeoutError, {"handle": KNOWN, "execution_json": json.dumps(RECORD)}, ""),
        ],
    )
    def test_nobody_starts_a_second_time_unawares(self, error: type[PlatformClientError], changes: dict[str, Any], warning: str) -> None:
        advice = failure_of(error, **({"handle": None, "execution_json": None} | changes)).exception().advice
        assert [each for each in (MAY_HAVE_ACTED, MAY_HAVE_STARTED, MAY_STILL_RUN) if each in advice] == [warning] * bool(warning)


def test_failures_compare_by_value() -> None:
    assert failure_of(PlatformClientError) == failure_of(PlatformClientError)
    assert hash(failure_of(PlatformClientError)) == hash(failure_of(PlatformClientError))
    assert failure_of(PlatformClientError) != failure_of(PlatformResponseError)
