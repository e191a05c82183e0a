"""Many calls at once over few slots, a third of them cut off at random moments: is anything leaked, or mixed up, and does it work after it?

A call is cut off by cancellation; in threads, which nobody can cancel, by its deadline. The same seed cuts off the same calls; the
moments depend on the machine as well: they are spread over as long as a call takes just then.
"""

import http.client
import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

import anyio
import anyio.to_thread

from platform_core.limits import Limits
from platform_core.messages import Headers, Inline, OutgoingRequest, Response
from platform_core.outcomes import FailureCause
from platform_transports.contract import AsyncTransport, Credentials, Progress, SyncTransport, TransportError

CREDENTIALS = Credentials("Authorization", "Bearer a-token")
CALL_SECONDS_MAX = 30.0
GATE_SECONDS_MAX = 5.0
FIRST_GUESS_SECONDS = 0.005
"""How long a call takes, before any has ended."""


class Plan(NamedTuple):
    """The size of a storm, which is given up after so many seconds."""

    seed: int
    calls: int = 20_000
    at_a_time: int = 64
    slots: int = 8
    cut_share: float = 1 / 3
    seconds_max: float = 120.0

    @property
    def limits(self) -> Limits:
        """What the transport may use."""
        return Limits(connections_max=self.slots)


@dataclass
class Result:
    """What came of it. Every call was answered, cut off, or failed, unless the storm was given up."""

    answered: int = 0
    mixed_up: int = 0
    """Of those that were answered: with the id of another request."""
    cut_unsent: int = 0
    cut_sent: int = 0
    failed: Counter[FailureCause] = field(default_factory=Counter[FailureCause])
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    """Of this process, whatever else the machine has to do."""
    slots_left: int = 0
    """How many calls could be under way together after it."""
    connections: int = 0
    left_open: int = 0
    """Connections that the server still had after the transport was closed."""

    @property
    def calls(self) -> int:
        """How many have ended, in whatever way."""
        return self.answered + self.cut_unsent + self.cut_sent + sum(self.failed.values())

    def is_clean(self, plan: Plan) -> bool:
        """Whether nothing failed and nothing was lost."""
        return (self.calls, not self.failed, self.mixed_up, self.slots_left, self.left_open) == (plan.calls, True, 0, plan.slots, 0)

    def __str__(self) -> str:
        failed = ", ".join(f"{count} {kind}" for kind, count in self.failed.items()) or "0"
        return (
            f"answered {self.answered:,}, cut off {self.cut_unsent:,} before and {self.cut_sent:,} after sending, failed {failed}, "
            f"mixed up {self.mixed_up}, slots after it {self.slots_left}, connections {self.connections:,}, left open {self.left_open}, "
            f"{self.seconds:.1f} s, {self.cpu_seconds:.1f} s of CPU"
        )


class Storm:
    """The calls of one storm, told one after the other, and their ends."""

    def __init__(self, url: str, plan: Plan) -> None:
        self.result = Result()
        self._url = url
        self._plan = plan
        self._lock = threading.Lock()
        self._call_seconds = FIRST_GUESS_SECONDS
        self._began, self._began_cpu = time.monotonic(), time.process_time()

    def cut_seconds(self, number: int) -> float | None:
        """After how long this call is cut off; None where it is not."""
        chance = random.Random(f"{self._plan.seed} {number}")  # noqa: S311 -- to be repeated, not to be secret
        return chance.random() * self._call_seconds if chance.random() < self._plan.cut_share else None

    def request(self, number: int) -> OutgoingRequest:
        """A request whose answer carries its name."""
        return self._request("echo", _name(number))

    def gate_request(self) -> OutgoingRequest:
        """A request that is answered when there are as many as there should be slots."""
        return self._request(f"gate?{self._plan.slots}", "gate")

    def ended(self, number: int, end: Response | FailureCause | None, progress: Progress, seconds: float) -> None:
        """A call has ended after so many seconds: with an answer, maybe another's, with an error, or cut off."""
        result = self.result
        with self._lock:
            match end:
                case Response():
                    result.answered += 1
                    result.mixed_up += end.body != _name(number).encode()
                    self._call_seconds += (seconds - self._call_seconds) / 32
                case FailureCause():
                    result.failed[end] += 1
                case None if progress.sent == "no":
                    result.cut_unsent += 1
                case None:
                    result.cut_sent += 1

    def over(self) -> None:
        """No call is under way any more."""
        self.result.seconds = time.monotonic() - self._began
        self.result.cpu_seconds = time.process_time() - self._began_cpu

    def at_gate(self, answers: Sequence[Response | None]) -> None:
        """What those heard who stood at the gate after the storm."""
        self.result.slots_left = max(0 if each is None else int(each.body) for each in answers)

    def after(self) -> Result:
        """The transport is closed."""
        until = time.monotonic() + GATE_SECONDS_MAX
        stats = _stats(self._url)
        while stats["open"] > 1 and time.monotonic() < until:
            time.sleep(0.01)  # the server may not have seen the end of the last ones
            stats = _stats(self._url)
        self.result.connections, self.result.left_open = stats["accepted"], stats["open"] - 1
        return self.result

    def _request(self, path: str, name: str) -> OutgoingRequest:
        return OutgoingRequest("GET", f"{self._url}/{path}", Headers((("X-Request-ID", name),)), Inline(b""))


async def storm_async(transport: AsyncTransport, url: str, plan: Plan) -> Result:
    """Let a storm loose on this transport in the running event loop, and close it."""
    storm, numbers = Storm(url, plan), iter(range(plan.calls))

    async def send(request: OutgoingRequest, seconds: float, progress: Progress) -> Response:
        return await transport.send(request, CREDENTIALS, anyio.current_time() + seconds, plan.limits, progress)

    async def call_on() -> None:
        for number in numbers:
            progress, at = Progress(), time.monotonic()
            end: Response | FailureCause | None = None
            with anyio.move_on_after(storm.cut_seconds(number)):
                try:
                    end = await send(storm.request(number), CALL_SECONDS_MAX, progress)
                except TransportError as error:
                    end = error.kind
            storm.ended(number, end, progress, time.monotonic() - at)

    async def stand_at_gate(place: int) -> None:
        with anyio.move_on_after(GATE_SECONDS_MAX):
            try:
                heard[place] = await send(storm.gate_request(), GATE_SECONDS_MAX, Progress())
            except TransportError:
                return

    heard: list[Response | None] = [None] * plan.slots
    with anyio.move_on_after(plan.seconds_max):
        async with anyio.create_task_group() as group:
            for _ in range(plan.at_a_time):
                group.start_soon(call_on)
    storm.over()
    async with anyio.create_task_group() as group:
        for place in range(plan.slots):
            group.start_soon(stand_at_gate, place)
    storm.at_gate(heard)
    await transport.aclose()
    return await anyio.to_thread.run_sync(storm.after)


def storm_in_threads(transport: SyncTransport, url: str, plan: Plan) -> Result:
    """Let a storm loose on this transport from many threads, and close it."""
    storm, numbers, until = Storm(url, plan), itertools.count(), time.monotonic() + plan.seconds_max

    def send(request: OutgoingRequest, seconds: float, progress: Progress) -> Response:
        return transport.send(request, CREDENTIALS, time.monotonic() + seconds, plan.limits, progress)

    def call_on() -> None:
        while (number := next(numbers)) < plan.calls and time.monotonic() < until:
            cut_seconds, progress, at = storm.cut_seconds(number), Progress(), time.monotonic()
            end: Response | FailureCause | None = None
            try:
                end = send(storm.request(number), CALL_SECONDS_MAX if cut_seconds is None else cut_seconds, progress)
            except TransportError as error:
                end = None if error.kind is FailureCause.TIMEOUT and cut_seconds is not None else error.kind
            storm.ended(number, end, progress, time.monotonic() - at)

    def stand_at_gate() -> Response | None:
        try:
            return send(storm.gate_request(), GATE_SECONDS_MAX, Progress())
        except TransportError:
            return None

    with ThreadPoolExecutor(plan.at_a_time) as threads:
        for each in [threads.submit(call_on) for _ in range(plan.at_a_time)]:
            each.result()
        storm.over()
        storm.at_gate([each.result() for each in [threads.submit(stand_at_gate) for _ in range(plan.slots)]])
    transport.close()
    return storm.after()


def _name(number: int) -> str:
    return f"call-{number}"


def _stats(url: str) -> dict[str, int]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    connection.request("GET", "/stats", headers={"X-Request-ID": "stats"})
    found: dict[str, int] = json.loads(connection.getresponse().read())
    connection.close()
    return found
