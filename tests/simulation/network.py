"""The network between the client and the emulator's model, with the faults of a profile: the script of the fake platform.

Rule 1: as in the exploration's network, what was lost may still arrive, later; without a key, once at most.
Rule 2: in liveness mode the faults of a run are frozen to a fair pattern: after `ROW_MAX` in a row, one good answer at least, and within
        such a row one 401 at most and no 404 but at its beginning, since a call bears these once and for a while.
"""

import heapq
import json
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, NamedTuple

from platform_core.messages import Headers, Request, Response
from platform_core.outcomes import FailureCause
from platform_core.retry import IDEMPOTENCY_KEY
from platform_emulator.model import Model
from platform_transports.fake import Act, Answer, FakePlatform, Lose
from tests.exploration.network import status_in
from tests.exploration.world import SECRET, is_cancel, is_submission

from .swarm import Profile

ROW_MAX = 2
JSON = ("Content-Type", "application/json")
_ECHO = f"Bearer {SECRET} has expired"
_STATUSES = ("pending", "running")


class Met(NamedTuple):
    """A request as the network saw it, and what became of it."""

    at: float
    call: int
    request: Request
    fault: str
    act: Act


class Late(NamedTuple):
    """A request that arrives after all; its number keeps those of one time in order."""

    at: float
    number: int
    call: int
    request: Request


class Network:
    """What the fake platform asks for each request."""

    def __init__(self, profile: Profile, random: Random, owner_of: Callable[[Request], int]) -> None:
        self._profile = profile
        self._random = random
        self._owner_of = owner_of
        self.heads: int = sum(call.of is None for call in profile.calls)
        """How many executions there may be, at most."""
        self._rows: Counter[int] = Counter()
        self._last: dict[int, str] = {}
        self.platform: FakePlatform
        self.late: list[Late] = []
        self.met: list[Met] = []
        self.maybe_started: set[int] = set()
        """The calls of which a submission was handed on, and not refused unprocessed."""

    def __call__(self, request: Request) -> Act:
        """What becomes of this request."""
        self.arrive_late(self.platform.now)
        call = self._owner_of(request)
        fault = self._fault(call, request)
        act = self._act(fault, call, request)
        is_good = isinstance(act, Answer) and act.response.is_success
        self._rows[call] = 0 if is_good else self._rows[call] + 1
        self.met.append(Met(self.platform.now, call, request, fault, act))
        return act

    def arrive_late(self, until: float) -> None:
        """Let all requests arrive that are due by then."""
        while self.late and self.late[0].at <= until:
            late = heapq.heappop(self.late)
            self._applied(late.request, late.at)

    def late_of(self, calls: tuple[int, ...]) -> tuple[Request, ...]:
        """The requests of these calls that may still arrive."""
        return tuple(late.request for late in self.late if late.call in calls)

    def _fault(self, call: int, request: Request) -> str:
        """The fault that this request meets; "" where it meets none."""
        row, last = self._rows[call], self._last.get(call, "")
        found = next((kind for kind, rate in self._profile.rates.items() if self._random.random() < rate), "")
        if found and (not _fits(found, request) or (self._profile.mode == "liveness" and not self._is_fair(found, call, row, last))):
            found = ""
        self._last[call] = found
        return found

    def _is_fair(self, kind: str, call: int, row: int, last: str) -> bool:
        if row >= ROW_MAX:
            return False
        if kind == "unauthorized":
            return not row
        return kind != "not known yet" or (self._profile.calls[call].kind != "look" and (not row or last == "not known yet"))

    def _act(self, fault: str, call: int, request: Request) -> Act:
        random = self._random
        seconds = random.choice((0.001, random.uniform(0.001, 0.5)))
        if is_submission(request) and fault not in _UNPROCESSED:
            self.maybe_started.add(call)
        if fault in _REFUSALS:
            return Answer(_REFUSALS[fault](random), seconds)
        lost = self._lost(fault, call, request, seconds)
        if lost is not None:
            return lost
        match fault:
            case "conflict":
                self._arrives_again(call, request)  # it is being taken in
                return Answer(_refusal(409), seconds)
            case "unavailable" if random.random() < 0.5:
                return Answer(_later(random), seconds)
            case "twice":
                self._arrives_again(call, request)
            case "slow answer":
                seconds = random.uniform(1.0, 40.0 if self._profile.mode == "safety" else 4.0)
            case _:
                pass
        answer = self._applied(request, self.platform.now)
        return Answer(_SPOILED[fault](random, answer) if fault in _SPOILED else answer, seconds)

    def _lost(self, fault: str, call: int, request: Request, seconds: float) -> Lose | None:
        """What comes of a fault for which there is no answer."""
        random = self._random
        match fault:
            case "refused connection":
                return Lose(kind=random.choice(("connect", "dns", "connect_timeout")), after_seconds=seconds)
            case "lost request":
                return Lose(kind=random.choice((FailureCause.READ, FailureCause.WRITE, FailureCause.TIMEOUT)), after_seconds=seconds)
            case "late request":
                self._arrives_again(call, request)
                return Lose(kind=random.choice((FailureCause.TIMEOUT, FailureCause.DISCONNECTED)), after_seconds=seconds)
            case "stale connection":
                if random.random() < 0.3:
                    self._applied(request, self.platform.now)
                return Lose(reused=True, after_seconds=seconds)
            case "lost answer":
                self._applied(request, self.platform.now)
                return Lose(kind=random.choice((FailureCause.READ, FailureCause.DISCONNECTED)), after_seconds=seconds)
            case "too large":
                self._applied(request, self.platform.now)
                return Lose(kind=FailureCause.TOO_LARGE, after_seconds=seconds)
            case _:
                return None

    def _applied(self, request: Request, at: float) -> Response:
        assert isinstance(self.platform.model, Model)
        self.platform.model, answer = self.platform.model.apply(request, at)
        return answer

    def _arrives_again(self, call: int, request: Request) -> None:
        at = self.platform.now + 0.001 * 60_000 ** self._random.random()
        heapq.heappush(self.late, Late(at, len(self.met), call, request))


def _fits(kind: str, request: Request) -> bool:
    match kind:
        case "conflict":
            return is_submission(request) and IDEMPOTENCY_KEY in request.headers
        case "twice":
            # Nobody makes two of a request without a key.
            return not is_submission(request) or IDEMPOTENCY_KEY in request.headers
        case "not known yet":
            return request.path.startswith("/api/v1/executions/")
        case "another's answer" | "stale status" | "unknown status":
            return request.path.startswith("/api/v1/executions/") or is_cancel(request)
        case _:
            return True


def _refusal(status: int, *headers: tuple[str, str], message: str = "") -> Response:
    body = {"code": "REFUSED", "message": message, "details": [{"field": "x", "message": message}]}
    return Response(status, Headers((JSON, *headers)), json.dumps(body).encode())


def _busy(random: Random) -> Response:
    wait = random.choice((None, None, "0", "1", "2", "x", "Wed, 21 Oct 2015 07:28:00 GMT"))
    return _refusal(429) if wait is None else _refusal(429, ("Retry-After", wait))


def _later(random: Random) -> Response:
    status, wait = random.choice((408, 502, 503, 504)), random.choice((None, None, "1"))
    page = Response(status, Headers((("Content-Type", "text/html"),)), b"<html>later</html>")
    return page if wait is None else _refusal(status, ("Retry-After", wait))


def _with(answer: Response, field: str, value: object) -> Response:
    if status_in(answer) is None:
        return answer
    record: dict[str, Any] = json.loads(answer.body)
    return Response(answer.status, answer.headers, json.dumps(record | {field: value}).encode())


def _nonsense(random: Random, answer: Response) -> Response:
    body = random.choice((b"", b"<html>", answer.body[: len(answer.body) // 2], b'{"status": "completed"}', b"[NaN]", b"\xff"))
    return Response(answer.status, Headers((random.choice((JSON, ("Content-Type", "text/html"))),)), body)


_REFUSALS: Mapping[str, Callable[[Random], Response]] = {
    "unauthorized": lambda random: _refusal(401, message=_ECHO),
    "forbidden": lambda random: _refusal(403, message=_ECHO),
    "not known yet": lambda random: _refusal(404),
    "busy": _busy,
    "busy for long": lambda random: _refusal(429, ("Retry-After", "3600")),
    "server error": lambda random: _refusal(500),
    "redirect": lambda random: Response(random.choice((301, 307)), Headers((("Location", "https://elsewhere.test/api/v1/x"),))),
}
"""What a platform, or a proxy before it, says that has not done what was asked for."""
_UNPROCESSED = frozenset({*_REFUSALS, "refused connection"})
_SPOILED: Mapping[str, Callable[[Random, Response], Response]] = {
    "stale status": lambda random, answer: _with(answer, "status", random.choice(_STATUSES)),
    "unknown status": lambda random, answer: _with(answer, "status", "archiving"),
    "another's answer": lambda random, answer: _with(answer, "execution_id", f"another-{random.randrange(1000)}"),
    "nonsense": _nonsense,
    "unavailable": lambda random, answer: _later(random),
}
"""What becomes of an answer, once the platform has done what was asked for."""
