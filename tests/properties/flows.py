"""What comes of an answer that flows past its operation: a head and pieces of a body, fitting or not, as the drivers' sinks take them."""

import json
from typing import Any, TypeAlias

from hypothesis import strategies as st

from flow_sdk.agent_streams import Reading
from flow_sdk.downloads import Taking
from platform_core.agent_stream import ReadyToStream, Streaming
from platform_core.downloads import Downloading, ReadyToDownload
from platform_core.machine import Operation
from platform_core.messages import Headers, Response
from platform_core.outcomes import Abandoned, Failed, FailureCause, Outcome, Received
from platform_core.parts import PARTIAL_CONTENT, Part
from platform_transports.contract import TransportError
from tests.support.core import record

from .strategies import execution_records, fields_of_answers, sents, texts

Flow: TypeAlias = Taking | Reading
CONTENT_BYTES = 9
"""Of the content that fits, so that a few pieces are all of it."""


def flow_of(operation: Operation[Any]) -> Flow | None:
    """Whoever takes what comes of its answers; None where they come whole."""
    match operation:
        case ReadyToDownload(download):
            return Taking(restartable=download.restartable)
        case ReadyToStream(job):
            return Reading(job.settings.limits)
        case _:
            return None


def seen(operation: Operation[Any], flow: Flow | None) -> Operation[Any]:
    """The operation as it is once it was told what has come, as `flow_sdk.fed.Fed` tells it."""
    match operation, flow:
        case (ReadyToDownload() | Downloading(), Taking()):
            return operation.with_seen(flow.look())
        case (ReadyToStream() | Streaming(), Reading()):
            return operation.with_seen(flow.look())
        case _:
            return operation


@st.composite
def flowed(draw: st.DrawFn, flow: Flow, at: float) -> Outcome:
    """The end of a `Send` whose answer was a success: `flow` takes what comes of it, and may break it off."""
    head = draw(_contents(flow.part) if isinstance(flow, Taking) else _streams)
    broken: TransportError | None = None
    try:
        flow.begin(head)
        for piece in draw(st.lists(st.binary(max_size=CONTENT_BYTES), max_size=3) if isinstance(flow, Taking) else _events):
            if isinstance(flow, Taking):
                flow.fresh(piece)
            else:
                flow.events(piece)
                flow.check()
    except TransportError as error:
        broken = error
    cause = st.sampled_from(FailureCause) if broken is None else st.just(FailureCause(broken.kind))
    sent = sents if broken is None else st.just(broken.sent)
    left = st.builds(Abandoned, st.just(at), st.just("maybe"), st.booleans())
    failed = st.builds(Failed, st.just(at), cause, sent, st.booleans(), texts)
    return draw(st.one_of(failed, left) if broken is not None else st.one_of(failed, st.just(Received(at, head, 1)), left))


@st.composite
def _contents(draw: st.DrawFn, part: Part) -> Response:
    """The head of a content or of a part of it: mostly one that goes on with what has come."""
    start = draw(st.sampled_from((part.received_bytes, part.received_bytes, 0, 4)))
    total = draw(st.sampled_from((CONTENT_BYTES, CONTENT_BYTES, CONTENT_BYTES + 1)))
    status = draw(st.sampled_from((200, PARTIAL_CONTENT if part.can_go_on else 200, PARTIAL_CONTENT, 204)))
    is_part = status == PARTIAL_CONTENT
    fields = draw(st.lists(fields_of_answers, max_size=1))
    tag = draw(st.sampled_from(('"a"', '"a"', '"a"', '"b"', 'W/"a"', None)))
    if tag is not None:
        fields.append(("ETag", tag))
    length = draw(st.sampled_from((str(max(0, total - start) if is_part else total), None, None, "3", "-1")))
    if length is not None:
        fields.append(("Content-Length", length))
    if is_part:
        right = st.sampled_from((f"bytes {start}-{total - 1}/{total}", f"bytes {start}-{start}/*", f"bytes */{total}"))
        fields.append(("Content-Range", draw(right | texts)))
    return Response(status, Headers(tuple(fields)))


def _stream(kind: str, fields: list[tuple[str, str]]) -> Response:
    return Response(200, Headers((("Content-Type", kind), *fields)))


def _event(kind: str, data: str) -> bytes:
    return f"event: {kind}\ndata: {data}\n\n".encode()


_types = st.sampled_from(("text/event-stream", "text/event-stream", "TEXT/EVENT-STREAM; charset=utf-8", "application/json"))
_streams = st.builds(_stream, _types, st.lists(fields_of_answers, max_size=1))
_kinds = st.sampled_from(("status", "end", "end", "token", ""))
_whole_events = st.builds(_event, _kinds, execution_records.map(json.dumps) | texts)
_first_events = st.just(_event("status", json.dumps(record("pending"))))
"""It names the execution, so that leaving it is more than closing a connection."""
_pieces = _whole_events | st.binary(max_size=8) | st.sampled_from((b"retry: 3\r\n", b"id: 7\r", b": still here\n\n"))


@st.composite
def _cut(draw: st.DrawFn) -> list[bytes]:
    """The bytes of some events, cut anywhere."""
    stream = draw(_first_events | _first_events | st.just(b"")) + b"".join(draw(st.lists(_pieces, max_size=3)))
    cuts = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=3)))
    return [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


_events = _cut()
