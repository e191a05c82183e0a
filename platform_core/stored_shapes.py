"""What each type within an operation looks like in a snapshot: one table from type to fields, which is the schema.

Rule 1: a field that is added, renamed or read in another way is another schema (`snapshots.SCHEMA`): the golden files tell.
Rule 2: names are those of this table, whatever classes come to be called.
Rule 3: what is read is as good as what our own builders make: no target, header or id passes here that would not pass there.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, get_args
from uuid import UUID

from . import errors
from .call import AnyAnswer, AnyContent, Call, Calling, ReadyToCall, Skills, Status, Submitted
from .cancelling import Cancel, CancelCall, Cancelling, CancelPausing, ReadyToCancel, Rereading
from .cleanup import ByCaller, ByDeadline, LastPoll, Learning, LearnPausing, Leaving
from .config import Settings
from .errors import Failure
from .exchange import Authorizing, Pausing, Plan, Sending, Tally
from .execution import Polling, Ready, ReadyToWatch, Submitting, Waiting
from .handles import HandleKind, OnAbandon, Submission
from .job import Job, Known
from .limits import Limits
from .machine import Ended
from .messages import Body, Inline, Request, Response
from .outcomes import (
    Abandoned,
    Authorized,
    Failed,
    FailureCause,
    NotAuthorized,
    Received,
    Refused,
    Restored,
    Sent,
    Started,
    Woke,
)
from .requests import submission_kind
from .retry import IDEMPOTENCY_KEY, RetryPolicy
from .stored_values import (
    BYTES,
    COUNT,
    FLAG,
    HANDLE,
    ID,
    JSON_TEXT,
    KEY,
    METHOD,
    NUMBER,
    POSITIVE,
    REQUEST_HEADERS,
    RESPONSE_HEADERS,
    STATUS,
    SUBMISSION_TARGET,
    TARGET,
    TEXT,
    Codec,
    InvalidSnapshot,
    Json,
    choice,
    json_object,
    optional,
    refuse,
)
from .submission import submission_of


class Shape(NamedTuple):
    """One type: its name, its fields in their order, and what must be true of them together."""

    name: str
    kind: type[Any]
    fields: Mapping[str, Codec[Any]]
    rule: Callable[[Any], str | None] = lambda _: None
    """What is wrong with the value, or None."""


def one_of(*kinds: type[Any]) -> Codec[Any]:
    """A value of one of these types, under its name."""

    def write(value: object) -> Json:
        shape = SHAPES[type(value)]
        return {"type": shape.name, **_written(shape, value)}

    def read(found: object, where: str) -> Any:  # noqa: ANN401 -- of one of these types
        members = dict(json_object(found, where))
        shapes = {SHAPES[kind].name: SHAPES[kind] for kind in kinds}
        name = choice({each: each for each in shapes}).read(members.pop("type", None), f"{where}.type")
        return _read(shapes[name], members, where)

    return Codec(write, read)


def part(kind: type[Any]) -> Codec[Any]:
    """A value of this very type, which needs no name."""
    return Codec(
        lambda value: _written(SHAPES[kind], value),
        lambda found, where: _read(SHAPES[kind], json_object(found, where), where),
    )


def _written(shape: Shape, value: object) -> dict[str, Json]:
    return {name: codec.write(getattr(value, name)) for name, codec in shape.fields.items()}


def _read(shape: Shape, members: Mapping[str, object], where: str) -> Any:  # noqa: ANN401 -- of the shape's type
    for name in shape.fields:
        if name not in members:
            refuse(f"{where}.{name}", "is missing")
    for name in members:
        if name not in shape.fields:
            refuse(where, "has a field that this schema does not know")
    fields = {name: codec.read(members[name], f"{where}.{name}") for name, codec in shape.fields.items()}
    try:
        value = shape.kind(**fields)
    except (TypeError, ValueError) as error:
        fault = f"{where}: {error}"
    else:
        wrong = shape.rule(value)
        return value if wrong is None else refuse(where, wrong)
    raise InvalidSnapshot(fault)


def _submits(job: Job, request: Request) -> str | None:
    """A run sends what it says that it is about, by a route of ours, with a key of ours or none."""
    if request.method != "POST" or submission_kind(request.target) != job.kind:
        return f"must have the submission of a {job.kind} as its request"
    key = request.headers.get(IDEMPOTENCY_KEY)
    try:
        UUID(str(job.seed) if key is None else key)
    except ValueError:
        return f"must have a UUID as the {IDEMPOTENCY_KEY} of its request"
    return None


def _submits_its_job(state: Ready | Submitting) -> str | None:
    return _submits(state.job, state.request)


def _learns(state: Learning | LearnPausing) -> str | None:
    wrong = _submits(state.leaving.job, state.request)
    if wrong is None and state.submission != submission_of(state.request):
        return "must have the same submission and request"
    return wrong


def _calls(call: Call[Any]) -> str | None:
    return _submits(call.expected.job, call.request) if isinstance(call.expected, Submitted) else None


def _pauses(state: CancelPausing) -> str | None:
    # A caller's cancel that was answered has ended; it pauses after a failure alone.
    return "must have a last failure" if state.last is None and isinstance(state.cancel.goal, CancelCall) else None


_ERRORS: Mapping[str, type[errors.PlatformClientError]] = {
    each.__name__: each
    for each in (
        errors.PlatformClientError,
        errors.PlatformAuthenticationError,
        errors.PlatformPermissionError,
        errors.PlatformNotFoundError,
        errors.PlatformExecutionError,
        errors.PlatformExecutionTimeoutError,
        errors.PlatformExecutionCancelledError,
        errors.PlatformTimeoutError,
        errors.PlatformConnectionError,
        errors.PlatformSubmissionUnknownError,
        errors.PlatformResponseError,
        errors.PlatformJournalError,
    )
}


def _names(literal: object) -> Codec[Any]:
    return choice({name: name for name in get_args(literal)})


_INLINE = part(Inline)


def _write_body(body: Body) -> Json:
    if not isinstance(body, Inline):
        raise ValueError("an operation whose body is external cannot be stored: its bytes are not in it")  # noqa: TRY004 -- the type is right
    return _INLINE.write(body)


_BODY = Codec(_write_body, _INLINE.read)
_JOB, _KNOWN, _REQUEST, _SETTINGS, _SUBMISSION = (part(kind) for kind in (Job, Known, Request, Settings, Submission))
_PLAN, _TALLY, _FAILURE, _CALL, _CANCEL, _LEAVING = (part(kind) for kind in (Plan, Tally, Failure, Call, Cancel, Leaving))
_WITH_PAUSES = one_of(Sending, Pausing, Authorizing)
_SINGLE = one_of(Sending, Authorizing)
"""Of one attempt: it never pauses by itself."""
_AT = {"at": NUMBER}

STATES = (
    Shape("ready", Ready, {"job": _JOB, "request": _REQUEST}, _submits_its_job),
    Shape("ready to watch", ReadyToWatch, {"job": _JOB, "execution_id": ID}),
    Shape(
        "submitting",
        Submitting,
        {"job": _JOB, "request": _REQUEST, "exchange": _WITH_PAUSES},
        _submits_its_job,
    ),
    Shape("waiting", Waiting, {"job": _JOB, "known": _KNOWN, **_AT, "until": NUMBER}),
    Shape("polling", Polling, {"job": _JOB, "known": _KNOWN, "exchange": _SINGLE}),
    Shape("learning", Learning, {"leaving": _LEAVING, "request": _REQUEST, "submission": _SUBMISSION, "exchange": _SINGLE}, _learns),
    Shape(
        "learn pausing",
        LearnPausing,
        {"leaving": _LEAVING, "request": _REQUEST, "submission": _SUBMISSION, "sends": COUNT, **_AT, "until": NUMBER},
        _learns,
    ),
    Shape("last poll", LastPoll, {"leaving": _LEAVING, "known": _KNOWN, "exchange": _SINGLE}),
    Shape("ready to cancel", ReadyToCancel, {"cancel": _CANCEL}),
    Shape("cancelling", Cancelling, {"cancel": _CANCEL, "exchange": _WITH_PAUSES}),
    Shape("rereading", Rereading, {"cancel": _CANCEL, "refused_with": STATUS, "exchange": _WITH_PAUSES}),
    Shape("cancel pausing", CancelPausing, {"cancel": _CANCEL, **_AT, "until": NUMBER, "last": optional(_FAILURE)}, _pauses),
    Shape("ready to call", ReadyToCall, {"call": _CALL}),
    Shape("calling", Calling, {"call": _CALL, "exchange": _WITH_PAUSES}),
    Shape("ended", Ended, {"seed": KEY}),
)

_PARTS = (
    Shape(
        "job",
        Job,
        {
            "seed": KEY,
            "kind": _names(HandleKind),
            "settings": _SETTINGS,
            "seconds": POSITIVE,
            "poll_seconds_max": POSITIVE,
            "on_abandon": _names(OnAbandon),
        },
    ),
    Shape(
        "known",
        Known,
        {"execution_id": ID, "since": NUMBER, "known_at": NUMBER, "sends": COUNT, "status": optional(TEXT), "last": optional(_FAILURE)},
    ),
    Shape(
        "settings",
        Settings,
        {
            "timeout_seconds": POSITIVE,
            "retry": part(RetryPolicy),
            "limits": part(Limits),
            "idempotent_submissions": FLAG,
            "org_id": optional(ID),
            "workspace_id": optional(ID),
            "ring_id": optional(ID),
        },
    ),
    Shape("retry", RetryPolicy, {"attempts_max": COUNT, "pause_first_seconds": POSITIVE, "pause_seconds_max": POSITIVE}),
    Shape(
        "limits",
        Limits,
        {
            "header_bytes_max": COUNT,
            "headers_count_max": COUNT,
            "interim_answers_max": COUNT,
            "request_body_bytes_max": COUNT,
            "response_body_bytes_max": COUNT,
            "json_depth_max": COUNT,
            "connections_max": COUNT,
            "idle_seconds_max": POSITIVE,
            "connect_seconds_max": POSITIVE,
        },
    ),
    Shape("request", Request, {"method": METHOD, "target": TARGET, "headers": REQUEST_HEADERS, "body": _BODY}),
    Shape("inline", Inline, {"content": BYTES}),
    Shape("submission", Submission, {"key": KEY, "target": SUBMISSION_TARGET, "body": BYTES}),
    Shape("sending", Sending, {"plan": _PLAN, "tally": _TALLY}),
    Shape("pausing", Pausing, {"plan": _PLAN, "tally": _TALLY, "until": NUMBER, "last": _FAILURE}),
    Shape("authorizing", Authorizing, {"plan": _PLAN, "tally": _TALLY, "rejection": optional(_FAILURE)}),
    Shape(
        "plan",
        Plan,
        {
            "seed": KEY,
            "request": _REQUEST,
            "limits": part(Limits),
            "policy": part(RetryPolicy),
            "deadline": NUMBER,
            "request_seconds_max": NUMBER,
            "harmless": FLAG,
            "cost": COUNT,
            "bears_conflict": FLAG,
        },
    ),
    Shape(
        "tally",
        Tally,
        {
            "sends": COUNT,
            "attempts": COUNT,
            "pauses": COUNT,
            "seen": FLAG,
            "refreshed": FLAG,
            "asked": FLAG,
            "reconnected": FLAG,
            "conflict_until": optional(NUMBER),
            **_AT,
        },
    ),
    Shape(
        "failure",
        Failure,
        {
            "error": choice(_ERRORS),
            "message": TEXT,
            "status_code": optional(STATUS),
            "code": optional(TEXT),
            "details_json": optional(JSON_TEXT),
            "request_id": optional(TEXT),
            "method": TEXT,
            "path": TEXT,
            "attempts": COUNT,
            "elapsed": NUMBER,
            "body": BYTES,
            "retry_after": optional(NUMBER),
            "sent": optional(_names(Sent)),
            "handle": optional(HANDLE),
            "execution_json": optional(JSON_TEXT),
        },
    ),
    Shape(
        "call",
        Call,
        {"seed": KEY, "settings": _SETTINGS, "request": _REQUEST, "expected": one_of(AnyContent, AnyAnswer, Skills, Status, Submitted)},
        _calls,
    ),
    Shape("any content", AnyContent, {}),
    Shape("any answer", AnyAnswer, {}),
    Shape("skills", Skills, {}),
    Shape("status", Status, {"execution_id": ID}),
    Shape("submitted", Submitted, {"job": _JOB}),
    Shape("cancel", Cancel, {"goal": one_of(CancelCall, Leaving), "execution_id": ID, "sends": COUNT, "pauses": COUNT}),
    Shape("cancel call", CancelCall, {"seed": KEY, "settings": _SETTINGS, "ends_at": NUMBER}),
    Shape("leaving", Leaving, {"job": _JOB, "why": one_of(ByCaller, ByDeadline), "ends_at": NUMBER}),
    Shape("by caller", ByCaller, {}),
    Shape("by deadline", ByDeadline, {"failure": _FAILURE}),
)

OUTCOMES = (
    Shape("started", Started, _AT),
    Shape("restored", Restored, _AT),
    Shape("received", Received, {**_AT, "response": part(Response), "generation": COUNT}),
    Shape(
        "failed",
        Failed,
        {**_AT, "cause": choice({str(each): each for each in FailureCause}), "sent": _names(Sent), "reused": FLAG, "detail": TEXT},
    ),
    Shape("woke", Woke, _AT),
    Shape("refused", Refused, _AT),
    Shape("authorized", Authorized, _AT),
    Shape("not authorized", NotAuthorized, {**_AT, "reason": TEXT, "permanent": FLAG}),
    Shape("abandoned", Abandoned, {**_AT, "sent": _names(Sent), "final": FLAG}),
    Shape("response", Response, {"status": STATUS, "headers": RESPONSE_HEADERS, "body": BYTES}),
)

SHAPES: Mapping[type[Any], Shape] = {shape.kind: shape for shape in (*STATES, *_PARTS, *OUTCOMES)}
