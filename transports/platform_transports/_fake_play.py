"""How the fake plays an answer: what is slept, and what a sink is told, one step after the other; the two worlds do the steps.

It fails as a transport over a network would: too late, closed meanwhile, standing still, over the limits, or broken off.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import NamedTuple, TypeAlias

from platform_core.limits import Limits
from platform_core.messages import Headers, Response
from platform_core.outcomes import FailureCause

from .contract import AsyncFlow, Progress, SyncFlow, TransportError

PIECE_BYTES = 64 * 1024
"""In what pieces a body comes that a script gives whole."""


class Heard(NamedTuple):
    """What becomes of a request: the first byte comes after some seconds, each of the pieces after some more."""

    head: Response | TransportError
    """An answer without its body; or why there is none."""
    after_seconds: float
    pieces: tuple[bytes, ...] = ()
    every_seconds: float = 0.0
    breaks: FailureCause | None = None
    """Why the body ends before its end, if it does."""
    more: "Iterable[Listen | bytes]" = ()
    """What follows the pieces, as it comes to be."""


class SleepUntil(NamedTuple):
    """Let the time pass."""

    at: float


class Listen(NamedTuple):
    """Let the time pass, but no longer than until something happens: by now, so many `stirs` of the time have told of that."""

    at: float
    stirs: int


class Begin(NamedTuple):
    """Tell the sink."""

    head: Response


class Take(NamedTuple):
    """Tell the sink."""

    piece: bytes


Step: TypeAlias = SleepUntil | Listen | Begin | Take


class Stage(NamedTuple):
    """Around a send: its bounds, and the transport that it goes over."""

    deadline: float
    limits: Limits
    progress: Progress
    flow: AsyncFlow | SyncFlow | None
    now: Callable[[], float]
    is_closed: Callable[[], bool]


def play(heard: Heard, stage: Stage) -> Generator[Step, None, Response]:
    """The steps; they end in the answer, or raise `TransportError`."""
    yield from _wait(heard.after_seconds, stage)
    head = heard.head
    if isinstance(head, TransportError):
        raise head
    _check_head(head, stage)
    flows = stage.flow is not None and stage.flow.sink is not None and head.is_success
    if flows:
        yield Begin(head)
    kept = bytearray()
    for each in _body(heard, stage):
        if not isinstance(each, bytes):
            yield each
        elif flows:
            yield Take(each)
        else:
            kept += each
            if len(kept) > stage.limits.response_body_bytes_max:
                raise TransportError(FailureCause.TOO_LARGE, stage.progress.sent)
    if heard.breaks is not None:
        raise TransportError(heard.breaks, stage.progress.sent)
    return Response(head.status, head.headers, bytes(kept))


def cut(body: bytes) -> Iterator[bytes]:
    """A body in the pieces in which it comes."""
    for start in range(0, len(body), PIECE_BYTES):
        yield body[start : start + PIECE_BYTES]


def headless(response: Response) -> Response:
    """An answer without its body."""
    return Response(response.status, response.headers)


def _body(heard: Heard, stage: Stage) -> Generator[SleepUntil | Listen | bytes, None, None]:
    """The pieces, and what is slept before each."""
    for piece in heard.pieces:
        yield from _wait(heard.every_seconds, stage)
        yield piece
    last_at = stage.now()
    for each in heard.more:
        if isinstance(each, bytes):
            last_at = stage.now()
            yield each
        else:
            yield from _listen(each, last_at, stage)


def _listen(listen: Listen, last_at: float, stage: Stage) -> Generator[Listen, None, None]:
    """As `_wait`, where nobody knows before when something comes; the last piece came at `last_at`."""
    ends_at = stage.deadline if stage.flow is None else min(stage.deadline, last_at + stage.flow.idle_seconds_max)
    yield listen._replace(at=min(listen.at, ends_at))
    if stage.is_closed():
        raise TransportError(FailureCause.CLOSED, stage.progress.sent)
    if listen.at > ends_at and stage.now() >= ends_at:
        raise TransportError(FailureCause.TIMEOUT, stage.progress.sent)


def _wait(seconds: float, stage: Stage) -> Generator[SleepUntil, None, None]:
    """Let the time pass, and see what it has brought."""
    bounded = seconds if stage.flow is None else min(seconds, stage.flow.idle_seconds_max)
    at = stage.now() + bounded
    if seconds:
        yield SleepUntil(min(at, stage.deadline))
    if stage.is_closed():
        raise TransportError(FailureCause.CLOSED, stage.progress.sent)
    if at > stage.deadline or bounded < seconds:
        raise TransportError(FailureCause.TIMEOUT, stage.progress.sent)


def _check_head(head: Response, stage: Stage) -> None:
    # As on the wire: the status line, "name: value" for each field, each line ended by two bytes, and an empty line.
    size = len("HTTP/1.1 200 \r\n") + _fields_bytes(head.headers) + 2
    if size > stage.limits.header_bytes_max or len(head.headers) > stage.limits.headers_count_max:
        raise TransportError(FailureCause.TOO_LARGE, stage.progress.sent)


def _fields_bytes(headers: Headers) -> int:
    return sum(len(name) + len(value) + 4 for name, value in headers)
