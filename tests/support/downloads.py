"""A download under way, with what keeps its part and takes its bytes."""

from dataclasses import dataclass, field
from typing import Any

from platform_core.messages import Headers, Response
from platform_core.parts import Part
from tests.support.core import Run

PATH = "/api/v1/orgs/o/storage/objects/a"
TAG = '"v1"'


def head(status: int = 200, /, **headers: str) -> Response:
    """The head of an answer; the names of its fields have underscores for hyphens."""
    return Response(status, Headers(tuple((name.replace("_", "-"), value) for name, value in headers.items())))


@dataclass
class Receiver:
    """What keeps the part for a download under way, and the bytes."""

    run: Run
    restartable: bool = True
    part: Part = field(default_factory=Part)
    content: bytearray = field(default_factory=bytearray)

    def begin(self, answer: Response) -> bool:
        """Whether the body of this answer is wanted."""
        self.part = self.part.begun(answer, restartable=self.restartable)
        if self.part.broken is None:
            del self.content[self.part.received_bytes :]
        return self.part.broken is None

    def take(self, piece: bytes) -> None:
        self.part, skipped = self.part.taken(len(piece))
        self.content += piece[skipped:]

    def tell(self, outcome: Any) -> Any:
        state: Any = self.run.operation
        self.run.operation = state.with_seen(self.part)
        return self.run.tell(outcome)


def ranges(receiver: Receiver) -> list[tuple[str | None, str | None]]:
    return [(each.headers.get("Range"), each.headers.get("If-Range")) for each in receiver.run.requests]
