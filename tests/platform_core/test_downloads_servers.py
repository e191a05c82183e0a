"""Downloads from servers that cut their answers and change what they serve at will."""

from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from platform_core.actions import Raise, Send, Sleep
from platform_core.downloads import Downloaded, download
from platform_core.messages import Headers, Request, Response
from platform_core.outcomes import Failed, FailureCause, Received, Woke
from tests.support.core import MANY_ATTEMPTS, SEED, drive_with
from tests.support.downloads import PATH, TAG, Receiver, ranges


@dataclass
class Server:
    """One that serves contents, of which each is changed into the next one, and cuts its answers after so many bytes of the body."""

    contents: list[tuple[bytes, str | None]]
    cuts: list[int]
    changes: list[bool]
    ranges: bool
    chunked: bool
    slices_bytes: int

    def answer(self, request: Request, receiver: Receiver, at: float) -> Any:
        """What is reported of this request, after what came of its answer was taken."""
        if len(self.contents) > 1 and self.changes and self.changes.pop():
            del self.contents[0]
        content, tag = self.contents[0]
        asked, condition = request.headers.get("Range"), request.headers.get("If-Range")
        fields = [] if tag is None else [("ETag", tag)]
        status, start, stop = 200, 0, len(content)
        if asked is not None and self.ranges and condition == tag:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                return Received(at, Response(416, Headers((("Content-Range", f"bytes */{len(content)}"),))), 1)
            status, stop = 206, min(len(content), start + self.slices_bytes)
            fields.append(("Content-Range", f"bytes {start}-{stop - 1}/{len(content)}"))
        if not self.chunked:
            fields.append(("Content-Length", str(stop - start)))
        answer = Response(status, Headers(tuple(fields)))
        if not receiver.begin(answer):
            return Failed(at, FailureCause.PROTOCOL, "maybe")
        cut = self.cuts.pop() if self.cuts else None
        receiver.take(content[start : stop if cut is None else min(start + cut, stop)])
        if receiver.part.broken is not None:
            return Failed(at, FailureCause.PROTOCOL, "maybe")
        return Received(at, answer, 1) if cut is None else Failed(at, FailureCause.READ, "maybe")


TAGS = st.sampled_from([None, '"a"', '"b"', '"c"', 'W/"d"'])
VERSIONS = st.lists(st.tuples(st.binary(max_size=20), TAGS), min_size=1, max_size=3, unique_by=lambda each: each[1] or object())
SERVERS = st.builds(
    Server,
    VERSIONS,
    st.lists(st.integers(0, 20), max_size=8),
    st.lists(st.booleans(), max_size=8),
    st.booleans(),
    st.booleans(),
    st.integers(1, 30),
)


def ended(server: Server, receiver: Receiver) -> Any:
    """The end of a download from this server; every pause is slept through."""
    at = 0.0
    while True:
        action, at = receiver.run.action, at + 0.001
        match action:
            case Send(request):
                receiver.tell(server.answer(request, receiver, at))
            case Sleep(until):
                at = max(at, until)
                receiver.tell(Woke(at))
            case _:
                return action


@given(SERVERS, st.booleans())
def test_whatever_is_cut_or_changed_one_content_comes_whole_or_an_error(server: Server, restartable: bool) -> None:
    contents = [content for content, _ in server.contents]
    receiver = Receiver(drive_with(download(PATH, restartable=restartable, seed=SEED, settings=MANY_ATTEMPTS)), restartable)
    end = ended(server, receiver)
    if not isinstance(end, Raise):
        assert bytes(receiver.content) in contents
        assert end.value == Downloaded(len(receiver.content), None, receiver.part.etag)
    else:
        assert not restartable, "what can be begun anew comes in the end"
        assert any(content.startswith(bytes(receiver.content)) for content in contents)


@given(st.lists(st.integers(0, 20), max_size=8), st.integers(1, 30), st.booleans())
def test_with_ranges_no_byte_is_sent_twice(cuts: list[int], slices_bytes: int, chunked: bool) -> None:
    content = bytes(range(50))
    receiver = Receiver(drive_with(download(PATH, seed=SEED, settings=MANY_ATTEMPTS)))
    server = Server([(content, TAG)], cuts, [], ranges=True, chunked=chunked, slices_bytes=slices_bytes)
    assert ended(server, receiver).value == Downloaded(50, None, TAG)
    starts = [0 if each is None else int(each.removeprefix("bytes=").removesuffix("-")) for each, _ in ranges(receiver)]
    assert starts == sorted(starts)
