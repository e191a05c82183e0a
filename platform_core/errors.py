"""All that can go wrong, as values and as the exceptions made of them.

    PlatformClientError
    ├── PlatformAuthenticationError            401, or no token to be had
    ├── PlatformPermissionError                403
    ├── PlatformNotFoundError                  404
    ├── PlatformExecutionError                 500, or the execution ended failed
    │   ├── PlatformExecutionTimeoutError      it ended timeout, on the platform
    │   └── PlatformExecutionCancelledError    it ended cancelled
    ├── PlatformTimeoutError                   our own deadline passed (also a TimeoutError)
    ├── PlatformConnectionError                no answer (also a ConnectionError)
    │   └── PlatformSubmissionUnknownError     a submission may or may not have started
    ├── PlatformResponseError                  an answer that makes no sense
    └── PlatformJournalError                   the journal cannot be written, so that the run was stopped

A machine answers `Raise(failure)` with a frozen `Failure` that compares by value; the driver raises `failure.exception()`.
Nothing here ever holds a request's headers, so that no error can hold a token.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, cast

from .handles import ExecutionHandle
from .outcomes import Sent
from .records import ExecutionRecord
from .retry import CONFLICT, IDEMPOTENT_METHODS, may_have_been_seen

BODY_BYTES_KEPT = 2048
"""How much of an answer's body an error keeps: enough to see what kind of page it was."""

_LATER = "The platform, or a proxy before it, could not serve this: try again later."


class PlatformClientError(Exception):
    """Base of all errors of this client.

    `status_code`, `code`, `details` and `body` (its first bytes) are the platform's answer, where there was one; `request_id`
    is found again in the platform's logs; `attempts` counts requests, `elapsed` seconds. `retry_after` is the pause in seconds
    that the platform asked for. `handle` goes on with the execution, where there may be one. `advice` says what to do next.
    """

    _next_step: ClassVar[str] = _LATER

    def __init__(self, failure: "Failure | str") -> None:
        if isinstance(failure, str):
            failure = Failure(type(self), failure)
        super().__init__(failure)
        self.failure = failure
        self.message: str = failure.message
        self.status_code: int | None = failure.status_code
        self.code: str | None = failure.code
        self.details: list[Any] | None = cast("list[Any] | None", _parsed(failure.details_json))
        self.request_id: str | None = failure.request_id
        self.method: str = failure.method
        self.path: str = failure.path
        self.attempts: int = failure.attempts
        self.elapsed: float = failure.elapsed
        self.body: bytes = failure.body
        self.retry_after: float | None = failure.retry_after
        self.handle: ExecutionHandle | None = failure.handle
        self.sent = failure.sent
        self.execution: ExecutionRecord | None = cast("ExecutionRecord | None", _parsed(failure.execution_json))

    def __str__(self) -> str:
        """What happened, to which call, with which request id, and what to do next."""
        failure = self.failure
        what = " ".join(part for part in (str(failure.status_code or ""), failure.code or "") if part)
        call = [f"{failure.method} {failure.path}"] if failure.method else []
        if failure.request_id is not None:
            call.append(f"request {failure.request_id}")
        if failure.attempts:
            call.append(f"{failure.attempts} {'request' if failure.attempts == 1 else 'requests'} in {failure.elapsed:.2f} s")
        return "".join(
            (
                f"{what}: " if what else "",
                failure.message,
                f" ({', '.join(call)})." if call else "",
                f" {self.advice}" if call else "",
            )
        )

    @property
    def advice(self) -> str:
        """What to do next, in a few sentences."""
        return " ".join(part for part in (self._step(), self._pause(), self._page(), self._left_open()) if part)

    def __reduce__(self) -> tuple[Any, ...]:
        # Notes travel along; an OSError among the bases would else rule here.
        return type(self), (self.failure,), {"__notes__": self.__notes__} if hasattr(self, "__notes__") else None

    def to_dict(self) -> dict[str, Any]:
        """The error as plain JSON values, for a log: with the handle, but without the body of a submission."""
        plain = {"error": type(self).__name__, "text": str(self), "message": self.message}
        plain |= {name: getattr(self, name) for name in _PLAIN}
        return plain | {
            "body": self.body.decode("utf-8", "replace"),
            "handle": None if self.handle is None else self.handle.to_dict(),
        }

    def _step(self) -> str:
        return _step_by_status(self.status_code) if type(self) is PlatformClientError else self._next_step

    def _pause(self) -> str:
        return "" if self.retry_after is None else f"The platform asks for a pause of {self.retry_after:g} s."

    def _page(self) -> str:
        """Without the platform's own code it may be the answer of something else."""
        return "The answer's first bytes are in .body." if self.body and self.code is None else ""

    def _left_open(self) -> str:
        """What may have begun, or may still be going on, all the same: nobody should start it a second time unawares."""
        if self.execution is not None:  # it has ended
            return ""
        if self.handle is None:
            return _MAY_HAVE_ACTED if self.method not in IDEMPOTENT_METHODS and self._may_have_been_seen() else ""
        return _MAY_HAVE_STARTED if self.handle.execution_id is None else _MAY_STILL_RUN

    def _may_have_been_seen(self) -> bool:
        if self.status_code is None:
            return self.sent == "maybe"
        return self.status_code != CONFLICT and may_have_been_seen(self.status_code)


class PlatformAuthenticationError(PlatformClientError):
    """401 after one refresh of the token, or no token to be had."""

    _next_step = "Give the client a valid token, or a token_provider that renews it."


class PlatformPermissionError(PlatformClientError):
    """403."""

    _next_step = "The token is valid but lacks the permission: use another token, organization or workspace."


class PlatformNotFoundError(PlatformClientError):
    """404, for an execution after its grace."""

    _next_step = "Check the id and the path, and that the token's organization owns it."

    def _left_open(self) -> str:
        return ""  # nothing is there that could run


class PlatformExecutionError(PlatformClientError):
    """500, or an execution that ended `failed`; `execution` is its record where there is one."""

    _next_step = "The component itself failed: .execution is its record. Nothing runs it again but another submission."

    def _step(self) -> str:
        if self.execution is None:
            return "The platform failed, and is not asked again by itself: look for the request id in its logs."
        return self._next_step


class PlatformExecutionTimeoutError(PlatformExecutionError):
    """The execution ended `timeout`, on the platform."""

    _next_step = "The platform ended it at its deadline: give it a longer timeout_seconds, or less to do."


class PlatformExecutionCancelledError(PlatformExecutionError):
    """The execution ended `cancelled`."""

    _next_step = "Someone cancelled it: submit it again if its result is still wanted."


class PlatformTimeoutError(PlatformClientError, TimeoutError):
    """Our own deadline passed. The execution may go on, see `handle`, unless it was cancelled: then `execution` is its record."""

    _next_step = "Give it more time: a single request has the client's timeout, an execution its timeout_seconds."


class PlatformConnectionError(PlatformClientError, ConnectionError):
    """No answer. `sent` is "no" where the platform cannot have seen the request, else "maybe"."""

    _next_step = "Check the base URL and the network."


class PlatformSubmissionUnknownError(PlatformConnectionError):
    """A submission may or may not have started; `handle` resumes it with the same key, so that it starts at most once."""

    _next_step = "Do not simply submit it again."


class PlatformResponseError(PlatformClientError):
    """An answer that makes no sense: not JSON where JSON was promised, no execution id, too large."""

    _next_step = "This is not how the platform answers: check the base URL, and proxies in between."


class PlatformJournalError(PlatformClientError):
    """The journal cannot be written or is in use: the run was stopped, since what is not stored is not sent. `handle` goes on with it."""

    _next_step = "Nothing more was sent: make room for the journal."


_BY_STATUS: Mapping[int, type[PlatformClientError]] = MappingProxyType(
    {
        401: PlatformAuthenticationError,
        403: PlatformPermissionError,
        404: PlatformNotFoundError,
        500: PlatformExecutionError,
    }
)


_STEP_BY_STATUS: Mapping[int, str] = MappingProxyType(
    {
        **dict.fromkeys(
            (400, 405, 406, 410, 413, 414, 415, 422),
            "Correct the request, which would fail again as it is: .details names what is wrong, where the platform says so.",
        ),
        **dict.fromkeys((408, 425), _LATER),
        409: "It conflicts with something that is there or under way on the platform: look at that first.",
        429: "Wait, and then send fewer requests at a time.",
    }
)
"""What to do about a status that has no exception of its own."""

_MAY_HAVE_ACTED = "The platform may have acted on it all the same: look before you send it again."
_MAY_HAVE_STARTED = "The execution may have started: client.resume(error.handle) sends the same key again, and so starts nothing twice."
_MAY_STILL_RUN = "The execution may still be running: client.resume(error.handle) goes on waiting for it."


def error_for_status(status: int) -> type[PlatformClientError]:
    """The exception of an error status, as the platform's page documents it."""
    return _BY_STATUS.get(status, PlatformClientError)


class CallFacts(NamedTuple):
    """What every error of a call says of it: `elapsed` in seconds since the operation started, `request_id` of the last request."""

    method: str
    path: str
    request_id: str | None = None
    attempts: int = 0
    elapsed: float = 0.0


class Failure(NamedTuple):
    """What an error says, as a value. `details_json` and `execution_json` are JSON text, so that the value stays hashable."""

    error: type[PlatformClientError]
    message: str
    status_code: int | None = None
    code: str | None = None
    details_json: str | None = None
    request_id: str | None = None
    method: str = ""
    path: str = ""
    attempts: int = 0
    elapsed: float = 0.0
    body: bytes = b""
    retry_after: float | None = None
    sent: Sent | None = None
    handle: ExecutionHandle | None = None
    execution_json: str | None = None

    def exception(self) -> PlatformClientError:
        """The exception to raise."""
        return self.error(self)


_PLAIN = sorted({name.removesuffix("_json") for name in Failure._fields} - {"error", "message", "body", "handle"})


def _parsed(text: str | None) -> object:
    return None if text is None else json.loads(text)


def _step_by_status(status: int | None) -> str:
    if status is None:
        return "Nothing more is sent by a closed client: make another one."
    if status in range(300, 400):
        return "Redirects are not followed: check the base URL."
    if status in range(400, 500):
        return _STEP_BY_STATUS.get(status, "The platform refuses this, and would again: see its message.")
    return _LATER
