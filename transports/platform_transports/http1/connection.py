"""One HTTP/1.1 connection seen from its bytes: a request's go out, an answer's come in, until there is a whole `Response` or an error.

Rule 1: the end depends on the bytes alone, however the network cuts them; limits are counted before anybody parses.
Rule 2: a connection may serve again only if its answer was read whole, nothing came after it, and both sides want it.
"""

import sys
from dataclasses import replace

from platform_core.limits import Limits
from platform_core.messages import Response
from platform_core.outcomes import FailureCause
from platform_transports.contract import Progress, TransportError

from .bodies import Body, ChunkedBody, ClosedBody, LengthBody
from .heads import FieldBlock, Head, NotAnAnswerError, read_head
from .request import EncodedRequest

_BODILESS = frozenset({204, 304})
_NO_CONTENT = 204
_RESET_CONTENT = 205


class Connection:
    """Call `begin`, send its bytes, then `receive` whatever comes until it answers; only then, and where `reusable`, `begin` again.

    Where the body of an answer `flows`, look after each `receive`, whatever it has answered, for its head and for what has come of it.
    """

    __slots__ = (
        "_block",
        "_body",
        "_flows",
        "_has_served",
        "_head",
        "_interim",
        "_limits",
        "_method",
        "_progress",
        "_rest",
        "flowing",
        "is_begun",
        "is_settled",
        "reusable",
    )

    # Set by `begin`, but for the head, which is set with the body.
    _method: str
    _limits: Limits
    _flows: bool
    _interim: int
    _head: Head

    def __init__(self) -> None:
        self._has_served = False
        self._progress = Progress()
        self._block: FieldBlock | None = None
        self._body: Body | None = None
        self._rest = b""
        self.flowing: Response | None = None
        """The head of a 2xx answer whose body flows."""
        self.is_begun: bool = False
        """Whether any byte of the answer has come."""
        self.is_settled: bool = True
        """Whether no byte is missing on either side: the request has gone out whole and the answer has come whole, or there is none."""
        self.reusable: bool = True
        """Whether a request may go out."""

    @property
    def may_be_kept(self) -> bool:
        """Whether another call may use the connection. One that has served nobody may be in the middle of its handshake."""
        return self.reusable and self._has_served

    def begin(self, request: EncodedRequest, limits: Limits, progress: Progress, *, flows: bool = False) -> tuple[bytes, ...]:
        """The bytes to send, all but those that flow; from now on the server may have seen some. `flows`: a 2xx answer's body does too."""
        assert self.reusable, "a connection is used again only after a whole answer"
        self._method = request.method
        self._limits = limits
        self._progress = progress
        self._block = FieldBlock(limits.header_bytes_max)
        self._body = None
        self._interim = 0
        self._flows = flows
        self.flowing = None
        self.is_begun = False
        self.reusable = self.is_settled = False
        progress.sent = "maybe"
        return request.pieces

    def receive(self, data: bytes, *, is_sent: bool) -> Response | TransportError | None:
        """The answer, once it is whole, or why it will never be; None while it goes on.

        Empty `data`: the server has closed cleanly. `is_sent` says whether the request has gone out whole: an answer may come early.
        """
        try:
            if not data:
                return self._at_end()
            self.is_begun = True
            return self._read(data, is_sent)
        except NotAnAnswerError as error:
            kind, detail = error.kind, error.detail
        return self.failed(kind, detail)

    def came(self) -> bytes:
        """What has come of the body that flows since this was asked last."""
        if self._body is None:
            rest, self._rest = self._rest, b""
            return rest
        return b"" if self._head.status == _RESET_CONTENT else self._body.content()

    def lost(self, detail: str, *, while_sending: bool = False) -> TransportError:
        """The error for a connection that broke. One that had served may have been closed at the moment at which we began."""
        if self.is_begun:
            return self.failed(FailureCause.READ, detail)
        return self.failed(FailureCause.WRITE if while_sending and not self._has_served else FailureCause.DISCONNECTED, detail)

    def failed(self, kind: FailureCause, detail: str = "") -> TransportError:
        """The error of this kind, which the connection does not survive."""
        self.reusable = False
        return TransportError(kind, self._progress.sent, self._has_served, detail)

    def _read(self, data: bytes, is_sent: bool) -> Response | None:  # noqa: FBT001 -- said by name where it is public
        rest = data
        while self._body is None:
            assert self._block is not None, "begun"
            block = self._block.take(rest)
            if block is None:
                return None
            rest = self._block.rest
            head = read_head(block, self._limits)
            if head is None:
                self._count_interim()
            else:
                self._head = head
                if self._flows:
                    self._let_flow(head)
                self._body = self._body_of(head)
        extra = self._body.take(rest)
        return None if extra is None else self._response(self._head, self._body, is_clean=not extra, is_sent=is_sent)

    def _at_end(self) -> Response | TransportError:
        if self._body is None:
            return self.lost("closed before the end of the head" if self.is_begun else "")
        self._body.end()
        return self._response(self._head, self._body, is_clean=False, is_sent=False)

    def _count_interim(self) -> None:
        self._interim += 1
        if self._interim > self._limits.interim_answers_max:
            raise NotAnAnswerError(FailureCause.TOO_LARGE, f"more than {self._limits.interim_answers_max} interim answers")
        self._block = FieldBlock(self._limits.header_bytes_max)

    def _let_flow(self, head: Head) -> None:
        answer = Response(head.status, head.headers)
        if not answer.is_success:
            return
        self.flowing = answer
        if head.status != _RESET_CONTENT:
            self._limits = replace(self._limits, response_body_bytes_max=sys.maxsize)

    def _body_of(self, head: Head) -> Body:
        """How the body is framed (RFC 9112, section 6.3)."""
        if self._method == "HEAD" or head.status in _BODILESS:
            return LengthBody(0, self._limits)
        if head.is_chunked:
            return ChunkedBody(self._limits)
        return ClosedBody(self._limits) if head.length is None else LengthBody(head.length, self._limits)

    def _response(self, head: Head, body: Body, *, is_clean: bool, is_sent: bool) -> Response:
        content = body.content()
        # What has no body, and announces one, may send it later (RFC 9110, sections 15.3.5 and 15.3.6).
        announces = head.status == _NO_CONTENT and (head.is_chunked or bool(head.length))
        if head.status == _RESET_CONTENT and content:
            content, announces = b"", True
        self.is_settled = is_sent
        self.reusable = is_clean and is_sent and head.keeps_open and not announces
        self._has_served = True
        self._block = self._body = None
        if self.flowing is not None:
            self._rest, content = content, b""
        return Response(head.status, head.headers, content)
